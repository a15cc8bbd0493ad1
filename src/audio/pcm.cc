#include "audio/pcm.h"

#include <algorithm>
#include <cmath>

#include "contentvec/audio.h"
#include "runtime/finite.h"

namespace contentvec {
namespace audio {

PcmScale::PcmScale(std::span<const std::span<const float>> channels, int bits) {
  float largest = 0;
  for (const std::span<const float> channel : channels) {
    check_finite_samples(channel);
    for (const float x : channel) largest = std::max(largest, std::abs(x));
  }
  factor_ = std::ldexp(1.0, bits - 1) / std::max(1.0, static_cast<double>(largest) / 0.99);
}

}  // namespace audio

std::vector<int16_t> to_pcm16(std::span<const float> waveform) {
  const audio::PcmScale scale(std::span(&waveform, 1), 16);
  std::vector<int16_t> samples(waveform.size());
  std::transform(waveform.begin(), waveform.end(), samples.begin(),
                 [&](float x) { return static_cast<int16_t>(scale.apply(x)); });
  return samples;
}

}  // namespace contentvec
