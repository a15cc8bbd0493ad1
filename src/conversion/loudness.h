#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::conversion {

/// Brings the loudness of a conversion, of `rate` samples a second, towards that of the recording (16 kHz), in place:
/// all the way with mix 0, not at all with 1. Loudness is the root mean square of a second, twice a second, and linear
/// in between; where the recording is silent, so is the result.
void mix_loudness(std::span<float> converted, int rate, std::span<const float> recording, float mix);

/// The same for a block of a stream: loudness is the root mean square of 40 ms, every 10.
class BlockLoudness {
 public:
  /// Samples of a block, and of 10 ms; the block is a multiple of these.
  BlockLoudness(int64_t block, int64_t hop);
  /// made, in place, and what the input had in its time: [block].
  void mix(std::span<float> made, std::span<const float> input, float mix);

 private:
  int64_t hop_;
  std::vector<double> wanted_;
  std::vector<double> found_;
};

}  // namespace contentvec::conversion
