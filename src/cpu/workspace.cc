#include "cpu/workspace.h"

#include <algorithm>

namespace contentvec::cpu {

std::span<const FrameRange> Batch::ranges(int64_t length) {
  ranges_.clear();
  for (size_t u = 0; u < utterances.size(); ++u) {
    const int64_t end = utterances[u].first_frame + utterances[u].frames;
    for (int64_t begin = utterances[u].first_frame; begin < end; begin += length) {
      ranges_.push_back({static_cast<int64_t>(u), begin, std::min(begin + length, end)});
    }
  }
  return ranges_;
}

void Countdown::start(int64_t blocks, int parts) {
  if (blocks > capacity_) {
    left_ = std::make_unique<std::atomic<int>[]>(static_cast<size_t>(blocks));
    capacity_ = blocks;
  }
  for (int64_t i = 0; i < blocks; ++i) left_[static_cast<size_t>(i)].store(parts, std::memory_order_relaxed);
}

}  // namespace contentvec::cpu
