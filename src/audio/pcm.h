#pragma once

#include <cstdint>
#include <span>

namespace contentvec::audio {

/// How samples become whole numbers, as RVC does it: one scale for all channels, the largest sample at most 0.99 of
/// what the numbers hold, and what is behind the point cut off.
class PcmScale {
 public:
  /// `channels` stay the caller's. Throws Error for a sample that is not finite.
  PcmScale(std::span<const std::span<const float>> channels, int bits);

  [[nodiscard]] int32_t apply(float sample) const {
    return static_cast<int32_t>(static_cast<double>(sample) * factor_);
  }

 private:
  double factor_;
};

}  // namespace contentvec::audio
