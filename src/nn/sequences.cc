#include "nn/sequences.h"

#include <algorithm>

namespace contentvec::nn {

std::span<const RowRange> Sequences::ranges(int64_t length, int64_t from) {
  ranges_.clear();
  for (size_t i = 0; i < all_.size(); ++i) {
    const int64_t end = all_[i].first + all_[i].rows;
    for (int64_t begin = std::max(all_[i].first, from); begin < end; begin += length) {
      ranges_.push_back({static_cast<int64_t>(i), begin, std::min(begin + length, end)});
    }
  }
  return ranges_;
}

}  // namespace contentvec::nn
