#include "synthesizer/source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "made_up.h"
#include "synthesizer/oracle_voice.h"
#include "synthesizer/resize.h"
#include "synthesizer/voice_tensors.h"

namespace contentvec::synthesizer {
namespace {

std::vector<float> source_of(const VoiceConfig& config, const std::vector<float>& f0,
                             std::span<const float> given_noise) {
  const Source source(test::made_up(voice_tensors(config)), config);
  nn::Machine machine(nn::select_kernels(DType::kF32), 2);
  std::vector<float> samples(f0.size() * static_cast<size_t>(config.samples_per_frame()));
  std::vector<double> phases;
  source.run(machine.context(), f0, Noise(given_noise, "noise.source", 0, -1), samples.data(), phases);
  return samples;
}

TEST(Source, IsExactAfter30Seconds) {
  const test::RvcGolden golden = test::read_rvc_golden("source.3000");
  const std::vector<float> zeros(size_t{3000} * 480);
  const std::vector<float> samples =
      source_of(oracle_config("base-v2-48k"), golden.arrays.at("pitchf").values, zeros);
  EXPECT_LE(
      test::max_abs_error({samples.end() - 4800, samples.end()}, golden.arrays.at("har_source_tail").values),
      1e-6);
  std::vector<float> some;
  for (size_t i = 0; i < samples.size(); i += 997) some.push_back(samples[i]);
  EXPECT_LE(test::max_abs_error(some, golden.arrays.at("har_source_every_997").values), 1e-6);
}

/// The 360000 frames of an hour, at few samples a frame, against a phase in whole numbers.
TEST(Source, DoesNotDriftInAnHour) {
  VoiceConfig config;
  config.upsample_rates = {4};
  config.sample_rate = 400;
  constexpr int64_t kParts = 4096;  // of a hertz
  const int64_t turn = config.sample_rate * kParts;
  std::vector<float> f0(360'000);
  std::vector<int64_t> steps(f0.size());
  for (size_t frame = 0; frame < f0.size(); ++frame) {
    steps[frame] = 100 * kParts + static_cast<int64_t>(frame * 7919 % 300'007);
    f0[frame] = static_cast<float>(steps[frame]) / kParts;
  }
  const std::vector<float> zeros(4 * f0.size());
  const std::vector<float> samples = source_of(config, f0, zeros);
  const std::vector<float> weight = test::made_up(voice_tensors(config)).read("dec.m_source.l_linear.weight");
  const std::vector<float> bias = test::made_up(voice_tensors(config)).read("dec.m_source.l_linear.bias");
  int64_t phase = 0;
  double worst = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    phase = (phase + steps[i / 4]) % turn;
    const double sine =
        std::sin(2 * std::numbers::pi * static_cast<double>(phase) / static_cast<double>(turn));
    const double exact =
        std::tanh(static_cast<double>(weight[0]) * 0.1 * sine + static_cast<double>(bias[0]));
    worst = std::max(worst, std::abs(static_cast<double>(samples[i]) - exact));
  }
  EXPECT_LE(worst, 5e-8);  // float32's rounding, and 1e-11 turns
}

TEST(Source, IsNoiseWithoutAPitch) {
  VoiceConfig config;
  config.upsample_rates = {4};
  config.sample_rate = 400;
  const std::vector<float> noise = {1, -1, 2, 0, 1, -1, 2, 0};
  const std::vector<float> samples = source_of(config, {0, 100}, noise);
  const tensors::NamedTensors tensors = test::made_up(voice_tensors(config));
  const double weight = tensors.read("dec.m_source.l_linear.weight")[0];
  const double bias = tensors.read("dec.m_source.l_linear.bias")[0];
  const double sines[] = {0, 0, 0, 0, 1, 0, -1, 0};
  for (size_t i = 0; i < samples.size(); ++i) {
    const double sum = 0.1 * sines[i] + (i < 4 ? 0.1 / 3 : 0.003) * static_cast<double>(noise[i]);
    EXPECT_NEAR(samples[i], std::tanh(weight * sum + bias), 1e-7) << i;
  }
}

TEST(Resize, PlacesAreThoseOfHalfPixels) {
  nn::Machine machine(nn::select_kernels(DType::kF32), 1);
  const auto resized = [&](const std::vector<float>& rows, int64_t width, int64_t to) {
    std::vector<float> result(static_cast<size_t>(to * width));
    resize(machine.context(), rows.data(), static_cast<int64_t>(rows.size()) / width, width, result.data(),
           to);
    return result;
  };
  EXPECT_EQ(resized({0, 4}, 1, 4), (std::vector<float>{0, 1, 3, 4}));
  EXPECT_EQ(resized({0, 8, 4, 12}, 2, 4), (std::vector<float>{0, 8, 1, 9, 3, 11, 4, 12}));
  EXPECT_EQ(resized({0, 4, 8, 12}, 1, 2), (std::vector<float>{2, 10}));
  EXPECT_EQ(resized({5}, 1, 3), (std::vector<float>{5, 5, 5}));
  EXPECT_EQ(resized({1, 2, 3}, 1, 3), (std::vector<float>{1, 2, 3}));
}

}  // namespace
}  // namespace contentvec::synthesizer
