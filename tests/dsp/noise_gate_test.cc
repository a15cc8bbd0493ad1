#include "dsp/noise_gate.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace contentvec::dsp {
namespace {

constexpr int64_t kHop = 20;

/// The reference's rule, for a signal that is known whole: 4 hops around each place, which silence half a hop on
/// either side.
std::vector<float> gated(const std::vector<float>& signal, double threshold) {
  std::vector<float> result = signal;
  const auto samples = static_cast<int64_t>(signal.size());
  for (int64_t center = 0; center <= samples; center += kHop) {
    double sum = 0;
    for (int64_t i = std::max<int64_t>(center - 2 * kHop, 0); i < std::min(center + 2 * kHop, samples); ++i)
      sum += std::pow(static_cast<double>(signal[static_cast<size_t>(i)]), 2);
    if (std::sqrt(sum / (4 * kHop)) >= threshold) continue;
    for (int64_t i = std::max<int64_t>(center - kHop / 2, 0); i < std::min(center + kHop / 2, samples); ++i)
      result[static_cast<size_t>(i)] = 0;
  }
  return result;
}

std::vector<float> bursts(size_t size) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0F, 0.1F);
  std::vector<float> samples(size);
  for (size_t i = 0; i < size; ++i) samples[i] = normal(random) * (i / 170 % 2 == 0 ? 1.0F : 0.001F);
  return samples;
}

TEST(NoiseGate, BlockByBlockIsTheRuleForTheWhole) {
  for (const int64_t hops : {2, 3, 7, 25}) {
    const int64_t block = hops * kHop;
    const std::vector<float> signal = bursts(static_cast<size_t>(12 * block));
    const std::vector<float> expected = gated(signal, 0.01);
    ASSERT_NE(expected, signal);
    NoiseGate gate(block, kHop);
    std::vector<float> told(static_cast<size_t>(block + NoiseGate::kToldAgain * kHop));
    std::vector<float> result(signal.size() + told.size());  // with silence before
    const int64_t before = NoiseGate::kToldAgain * kHop;
    for (int64_t begin = 0; begin < static_cast<int64_t>(signal.size()); begin += block) {
      gate.run(std::span(signal).subspan(static_cast<size_t>(begin), static_cast<size_t>(block)), 0.01, told);
      std::copy(told.begin(), told.end(), result.begin() + begin);
    }
    // Of the last two hops what follows is not known.
    for (size_t i = 0; i + 2 * kHop + kHop / 2 < signal.size(); ++i)
      ASSERT_EQ(result[i + static_cast<size_t>(before)], expected[i]) << hops << " " << i;
  }
}

TEST(NoiseGate, LetsThroughWhatIsLouder) {
  const std::vector<float> signal(200, 0.5F);
  NoiseGate gate(200, kHop);
  std::vector<float> told(240);
  gate.run(signal, 0.01, told);
  EXPECT_TRUE(std::equal(signal.begin(), signal.end(), told.begin() + 40));
  gate.run(signal, 0.6, told);
  EXPECT_THAT(told, testing::Each(0.0F));
}

}  // namespace
}  // namespace contentvec::dsp
