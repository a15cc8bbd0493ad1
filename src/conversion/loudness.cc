#include "conversion/loudness.h"

#include <algorithm>
#include <cmath>

#include "dsp/envelope.h"

namespace contentvec::conversion {

void mix_loudness(std::span<float> converted, int rate, std::span<const float> recording, float mix) {
  constexpr double kLeast = 1e-6;  // of the conversion's loudness, which it is divided by
  const std::vector<double> wanted = dsp::rms_envelope(recording, 8000);
  const std::vector<double> found = dsp::rms_envelope(converted, rate / 2);
  const auto samples = static_cast<int64_t>(converted.size());
  const dsp::HalfPixel wanted_at(wanted, samples);
  const dsp::HalfPixel found_at(found, samples);
  const double share = 1 - static_cast<double>(mix);
  for (int64_t i = 0; i < samples; ++i) {
    const double gain = std::pow(wanted_at.at(i) / std::max(found_at.at(i), kLeast), share);
    float& y = converted[static_cast<size_t>(i)];
    y = static_cast<float>(static_cast<double>(y) * gain);
  }
}

BlockLoudness::BlockLoudness(int64_t block, int64_t hop)
    : hop_(hop), wanted_(static_cast<size_t>(block / hop + 1)), found_(wanted_.size()) {}

void BlockLoudness::mix(std::span<float> made, std::span<const float> input, float mix) {
  constexpr double kLeast = 1e-3;
  constexpr int64_t kHops = 4;
  dsp::rms_envelope(input, hop_, kHops, wanted_);
  dsp::rms_envelope(made, hop_, kHops, found_);
  const auto samples = static_cast<int64_t>(made.size());
  const dsp::AlignedCorners wanted_at(wanted_, samples);
  const dsp::AlignedCorners found_at(found_, samples);
  const double share = 1 - static_cast<double>(mix);
  for (int64_t i = 0; i < samples; ++i) {
    float& y = made[static_cast<size_t>(i)];
    const double gain = std::pow(wanted_at.at(i) / std::max(found_at.at(i), kLeast), share);
    y = static_cast<float>(static_cast<double>(y) * gain);
  }
}

}  // namespace contentvec::conversion
