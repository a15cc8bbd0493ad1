#include "synthesizer/source.h"

#include <cmath>
#include <numbers>

namespace contentvec::synthesizer {
namespace {

constexpr double kSineAmplitude = 0.1;
constexpr double kVoicedNoise = 0.003;
constexpr double kUnvoicedNoise = kSineAmplitude / 3;

double fraction(double x) {
  return x - std::floor(x);
}

}  // namespace

Source::Source(const tensors::NamedTensors& tensors, const VoiceConfig& config)
    : samples_per_frame_(config.samples_per_frame()),
      sample_rate_(config.sample_rate),
      weight_(tensors.read("dec.m_source.l_linear.weight")[0]),
      bias_(tensors.read("dec.m_source.l_linear.bias")[0]) {}

double Source::turns_per_sample(float f0) const {
  return fraction(static_cast<double>(f0) / sample_rate_);
}

void Source::run(const nn::Context& context, std::span<const float> f0, const Noise& noise, float* out,
                 std::vector<double>& phases) const {
  const int64_t samples = samples_per_frame_;
  // Where each frame begins; a frame's samples follow from there, each on its own.
  phases.resize(f0.size());
  double phase = 0;
  for (size_t frame = 0; frame < f0.size(); ++frame) {
    phases[frame] = phase;
    phase = fraction(phase + static_cast<double>(samples) * turns_per_sample(f0[frame]));
  }
  context.team.parallel_for(static_cast<int64_t>(f0.size()), [&](int64_t frame, int) {
    const auto at = static_cast<size_t>(frame);
    float* values = out + frame * samples;
    noise.fill(frame * samples, {values, static_cast<size_t>(samples)});
    const double step = turns_per_sample(f0[at]);
    const bool is_voiced = f0[at] > 0;
    for (int64_t i = 0; i < samples; ++i) {
      const double turns = fraction(phases[at] + static_cast<double>(i + 1) * step);
      const double sine = is_voiced ? kSineAmplitude * std::sin(2 * std::numbers::pi * turns) : 0.0;
      const double sum = sine + static_cast<double>(values[i]) * (is_voiced ? kVoicedNoise : kUnvoicedNoise);
      values[i] = static_cast<float>(std::tanh(weight_ * sum + bias_));
    }
  });
}

}  // namespace contentvec::synthesizer
