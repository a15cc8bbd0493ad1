#pragma once

#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "contentvec/stream.h"
#include "support.h"

namespace contentvec::conversion {

/// Tiny parts that fit together.
struct StreamParts {
  explicit StreamParts(const std::string& voice_config = "tiny-v2-48k", int threads = 2,
                       const std::string& pitch_config = "tiny-rmvpe")
      : model(Model::load(test::rvc_synthetic("pipeline-hubert-v2"), {.threads = threads})),
        pitch(PitchEstimator::load(test::rvc_synthetic(pitch_config), {.threads = threads})),
        voice(Voice::load(test::rvc_synthetic(voice_config), {.threads = threads})) {}
  Model model;
  PitchEstimator pitch;
  Voice voice;

  [[nodiscard]] VoiceStream stream(const StreamOptions& options) const {
    return {model, pitch, voice, std::nullopt, options};
  }
};

/// A voice's glide, with a breath now and then.
inline std::vector<float> spoken(double seconds, int rate) {
  std::vector<float> samples(static_cast<size_t>(std::llround(seconds * rate)));
  double phase = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / rate;
    phase += (140 + 40 * std::sin(2 * t)) / rate;
    double x = 0;
    for (int k = 1; k < 12; ++k) x += std::sin(2 * std::numbers::pi * k * phase) / k;
    const bool breath = std::fmod(t, 0.5) > 0.4;
    samples[i] = static_cast<float>(breath ? 0.005 * std::sin(static_cast<double>(i * i % 9973)) : 0.25 * x);
  }
  return samples;
}

/// What a stream makes of whole blocks.
inline std::vector<float> run(VoiceStream& stream, std::span<const float> input) {
  const auto block = static_cast<size_t>(stream.block());
  std::vector<float> output(input.size() / block * block);
  for (size_t begin = 0; begin < output.size(); begin += block) {
    const StreamStatus status =
        stream.process(input.subspan(begin, block), std::span(output).subspan(begin, block));
    if (status != StreamStatus::kOk) return {};
  }
  return output;
}

}  // namespace contentvec::conversion
