#pragma once

#include <span>

namespace contentvec::cli {

/// A stretch of sound in a few samples more or fewer, out.size(): as if a clock had gone a little slower or faster.
/// Its ends stay as they are, so that it fits what is before and behind it. A windowed sinc of 32 samples: up to 4/5 of
/// the highest frequency what is wrong is below -70 dB. Both of at least 64 samples.
void stretch(std::span<const float> in, std::span<float> out);

}  // namespace contentvec::cli
