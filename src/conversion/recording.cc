#include "conversion/recording.h"

#include <algorithm>
#include <cmath>

#include "contentvec/audio.h"
#include "dsp/high_pass.h"
#include "dsp/padding.h"
#include "runtime/fail.h"
#include "runtime/finite.h"

namespace contentvec::conversion {
namespace {

constexpr double kHighestPeak = 0.95;
constexpr double kLowestHz = 48;

void limit_peak(std::span<float> samples) {
  float peak = 0;
  for (const float x : samples) peak = std::max(peak, std::abs(x));
  const double excess = static_cast<double>(peak) / kHighestPeak;
  if (excess <= 1) return;
  for (float& x : samples) x = static_cast<float>(static_cast<double>(x) / excess);
}

}  // namespace

Recording::Recording(std::span<const float> waveform, int rate) {
  if (waveform.empty()) fail("the recording has no samples; expected at least one");
  if (rate < kLowestRate || rate > kHighestRate)
    fail("the recording's rate is {} Hz; expected {} to {}", rate, kLowestRate, kHighestRate);
  check_finite_samples(waveform);
  std::vector<float> resampled;
  if (rate != kSampleRate) waveform = resampled = resample(waveform, rate);
  padded_.resize(waveform.size() + 2 * kPad);
  const std::span<float> samples = std::span(padded_).subspan(kPad, waveform.size());
  std::copy(waveform.begin(), waveform.end(), samples.begin());
  limit_peak(samples);
  dsp::high_pass(samples, kLowestHz, kSampleRate);
  const auto size = static_cast<int64_t>(samples.size());
  for (int64_t i = 1; i <= kPad; ++i) {
    padded_[static_cast<size_t>(kPad - i)] = samples[static_cast<size_t>(dsp::mirrored(-i, size))];
    padded_[static_cast<size_t>(kPad + size - 1 + i)] =
        samples[static_cast<size_t>(dsp::mirrored(size - 1 + i, size))];
  }
}

}  // namespace contentvec::conversion
