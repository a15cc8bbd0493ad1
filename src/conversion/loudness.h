#pragma once

#include <span>

namespace contentvec::conversion {

/// Brings the loudness of a conversion, of `rate` samples a second, towards that of the recording (16 kHz), in place:
/// all the way with mix 0, not at all with 1. Loudness is the root mean square of a second, twice a second, and linear
/// in between; where the recording is silent, so is the result.
void mix_loudness(std::span<float> converted, int rate, std::span<const float> recording, float mix);

}  // namespace contentvec::conversion
