#include "waveform.h"

#include <cmath>

#include "runtime/fail.h"

namespace contentvec {

void check_waveform(const ModelConfig& config, std::span<const float> waveform) {
  if (static_cast<int64_t>(waveform.size()) < config.receptive_field()) {
    fail("the waveform has {} samples; this model needs at least {} ({:.1f} ms at 16 kHz) for one frame",
         waveform.size(), config.receptive_field(),
         1000.0 * static_cast<double>(config.receptive_field()) / 16000.0);
  }
  for (size_t i = 0; i < waveform.size(); ++i) {
    if (!std::isfinite(waveform[i])) {
      fail("sample {} of the waveform is {}; every sample must be a finite number", i, waveform[i]);
    }
  }
}

bool normalises(const ModelConfig& config, Normalize normalize) {
  return normalize == Normalize::kAuto ? config.normalize.value_or(false) : normalize == Normalize::kOn;
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
