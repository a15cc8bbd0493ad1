#include "conversion/output_denoiser.h"

#include <algorithm>

namespace contentvec::conversion {

OutputDenoiser::OutputDenoiser(const StreamSizes& sizes)
    : block_(static_cast<size_t>(sizes.block)),
      gate_(sizes.hop, sizes.window(), sizes.made()),
      heard_(static_cast<size_t>(sizes.window())) {}

void OutputDenoiser::run(std::span<float> made) {
  const std::span<const float> newest = made.last(block_);
  std::copy(heard_.begin() + static_cast<int64_t>(block_), heard_.end(), heard_.begin());
  std::copy(newest.begin(), newest.end(), heard_.end() - static_cast<int64_t>(block_));
  gate_.judge(heard_, static_cast<int64_t>(block_), 0);
  gate_.run(made, made);
}

void OutputDenoiser::reset() {
  std::fill(heard_.begin(), heard_.end(), 0.0F);
  gate_.forget();
}

}  // namespace contentvec::conversion
