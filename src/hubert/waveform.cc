#include "hubert/waveform.h"

#include <algorithm>
#include <cmath>

#include "contentvec/audio.h"
#include "runtime/fail.h"
#include "runtime/finite.h"

namespace contentvec {

void check_waveform(const ModelConfig& config, std::span<const float> waveform) {
  if (static_cast<int64_t>(waveform.size()) < config.receptive_field()) {
    fail("the waveform has {} samples; this model needs at least {} ({:.1f} ms at 16 kHz) for one frame",
         waveform.size(), config.receptive_field(),
         1000.0 * static_cast<double>(config.receptive_field()) / kSampleRate);
  }
  check_finite_samples(waveform);
}

bool normalises(const ModelConfig& config, Normalize normalize) {
  return normalize == Normalize::kAuto ? config.normalize.value_or(false) : normalize == Normalize::kOn;
}

int64_t pass_frames(const ModelConfig& config) {
  return std::max<int64_t>(1, static_cast<int64_t>(kPassSeconds * kSampleRate) / config.hop());
}

std::optional<Normaliser> normaliser_of(const ModelConfig& config, Normalize normalize,
                                        std::span<const float> whole) {
  return normalises(config, normalize) ? std::optional<Normaliser>(whole) : std::nullopt;
}

Normaliser::Normaliser(std::span<const float> whole) {
  const auto count = static_cast<double>(whole.size());
  double sum = 0;
  for (const float x : whole) sum += static_cast<double>(x);
  mean_ = sum / count;
  double squares = 0;
  for (const float x : whole) squares += (static_cast<double>(x) - mean_) * (static_cast<double>(x) - mean_);
  factor_ = 1.0 / std::sqrt(squares / count + 1e-5);
}

void Normaliser::apply(std::span<const float> samples, std::vector<float>& result) const {
  result.resize(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    result[i] = static_cast<float>((static_cast<double>(samples[i]) - mean_) * factor_);
  }
}

}  // namespace contentvec
