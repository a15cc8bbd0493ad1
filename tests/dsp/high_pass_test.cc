#include "dsp/high_pass.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "golden.h"
#include "support.h"

namespace contentvec::dsp {
namespace {

constexpr double kCutoff = 48;
constexpr double kRate = 16000;

std::vector<float> filtered(std::vector<float> signal) {
  high_pass(signal, kCutoff, kRate);
  return signal;
}

TEST(HighPass, IsTheReferences) {
  for (const std::string& name : test::rvc_golden_names("pipeline-")) {
    const test::RvcGolden golden = test::read_rvc_golden(name);
    const std::vector<float> result = filtered(golden.arrays.at("audio").values);
    EXPECT_LT(test::max_abs_error(result, golden.arrays.at("filtered").values), 1e-7) << name;
  }
}

/// A few samples, by scipy 1.17's filtfilt with padlen = min(18, samples - 1).
TEST(HighPass, ShortSignalsGoOnForLess) {
  EXPECT_LT(test::max_abs_error(filtered({0.5F, -0.25F, 1, 0.75F}),
                                {-0.28581932F, -1.06892183F, 0.14696355F, -0.1381822F}),
            1e-6);
  EXPECT_LT(test::max_abs_error(filtered({0.5F, -0.25F}), {1.24555594F, 0.62085035F}), 1e-6);
  EXPECT_NEAR(filtered({0.7F})[0], 0, 1e-9);
  EXPECT_TRUE(filtered({}).empty());
}

TEST(HighPass, TakesWhatIsLowAndDelaysNothing) {
  const auto tone = [](double hz, size_t samples) {
    std::vector<float> signal(samples);
    for (size_t i = 0; i < samples; ++i)
      signal[i] =
          static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kRate));
    return signal;
  };
  // Longer than a block, and no multiple of one. Twice 3 dB at the cutoff, twice 30 dB for each octave below it.
  constexpr size_t kSamples = 50001;
  constexpr size_t kMiddle = 25000;
  for (const auto& [hz, gain] : {std::pair{1000.0, 1.0}, {200.0, 1.0}, {48.0, 0.5}, {24.0, 0.000977}}) {
    const std::vector<float> signal = tone(hz, kSamples);
    const std::vector<float> result = filtered(signal);
    for (size_t i = kMiddle - 400; i < kMiddle + 400; ++i)
      ASSERT_NEAR(result[i], gain * static_cast<double>(signal[i]), 2e-4) << hz << " " << i;
  }
  for (const float y : filtered(std::vector<float>(kSamples, 0.75F))) ASSERT_NEAR(y, 0, 1e-7);
}

TEST(HighPass, BlocksDoNotShow) {
  // Forward and backward are the same filter, and the ends are far away: of a signal turned round comes the result
  // turned round, though its blocks lie elsewhere.
  std::vector<float> signal(60000, 0.0F);
  for (size_t i = 20000; i < 40000; ++i) signal[i] = std::sin(static_cast<float>(i * i % 1013) * 0.01F);
  std::vector<float> turned(signal.rbegin(), signal.rend());
  const std::vector<float> result = filtered(signal);
  turned = filtered(turned);
  for (size_t i = 0; i < signal.size(); ++i) ASSERT_NEAR(turned[signal.size() - 1 - i], result[i], 1e-7) << i;
}

}  // namespace
}  // namespace contentvec::dsp
