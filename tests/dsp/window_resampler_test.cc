#include "dsp/window_resampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

namespace contentvec::dsp {
namespace {

/// torchaudio's formula, with its defaults: a convolution with a kernel for each phase over the signal with zeros
/// around it.
std::vector<float> by_the_formula(const std::vector<float>& in, int64_t from, int64_t to) {
  const int64_t divisor = std::gcd(from, to);
  from /= divisor;
  to /= divisor;
  const double cutoff = 0.99 * static_cast<double>(std::min(from, to));
  const auto width = static_cast<int64_t>(std::ceil(6.0 * static_cast<double>(from) / cutoff));
  const auto samples = static_cast<int64_t>(in.size());
  std::vector<float> out(static_cast<size_t>((samples * to + from - 1) / from));
  for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i) {
    double sum = 0;
    for (int64_t tap = 0; tap < 2 * width + from; ++tap) {
      const int64_t at = i / to * from + tap - width;
      if (at < 0 || at >= samples) continue;
      double t = (-static_cast<double>(i % to) / static_cast<double>(to) +
                  static_cast<double>(tap - width) / static_cast<double>(from)) *
                 cutoff;
      t = std::clamp(t, -6.0, 6.0);
      const double window = std::pow(std::cos(t * std::numbers::pi / 6 / 2), 2);
      const double turn = t * std::numbers::pi;
      const double kernel =
          (turn == 0 ? 1 : std::sin(turn) / turn) * window * cutoff / static_cast<double>(from);
      sum += kernel * static_cast<double>(in[static_cast<size_t>(at)]);
    }
    out[static_cast<size_t>(i)] = static_cast<float>(sum);
  }
  return out;
}

TEST(WindowResampler, IsTorchaudiosFormula) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 0.3F);
  for (const auto& [from, to] : std::vector<std::pair<int64_t, int64_t>>{{48000, 16000},
                                                                         {44100, 16000},
                                                                         {16000, 16000},
                                                                         {40000, 48000},
                                                                         {96000, 16000},
                                                                         {8000, 16000},
                                                                         {48000, 44100},
                                                                         {539, 480},
                                                                         {401, 480},
                                                                         {3, 7}}) {
    std::vector<float> in(1 + random() % 700);
    for (float& x : in) x = normal(random);
    const WindowResampler resampler(from, to);
    std::vector<float> out(static_cast<size_t>(resampler.size(static_cast<int64_t>(in.size()))));
    resampler.run(in, out);
    const std::vector<float> expected = from == to ? in : by_the_formula(in, from, to);
    ASSERT_EQ(out.size(), expected.size()) << from << " " << to;
    for (size_t i = 0; i < out.size(); ++i)
      ASSERT_NEAR(out[i], expected[i], 1e-6F) << from << " " << to << " " << i;
  }
}

TEST(WindowResampler, LeavesATone) {
  constexpr double kHz = 440;
  std::vector<float> in(4800);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<float>(std::sin(2 * std::numbers::pi * kHz * static_cast<double>(i) / 48000));
  const WindowResampler resampler(48000, 16000);
  std::vector<float> out(1600);
  resampler.run(in, out);
  for (size_t i = 20; i + 20 < out.size(); ++i)
    EXPECT_NEAR(out[i], std::sin(2 * std::numbers::pi * kHz * static_cast<double>(i) / 16000), 2e-3) << i;
}

}  // namespace
}  // namespace contentvec::dsp
