// Noise taken out against an independent writing-out in NumPy (scripts/make_denoising_data.py).

#include "dsp/spectral_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "output/npy.h"
#include "support.h"

namespace contentvec::dsp {
namespace {

constexpr int64_t kGateHop = 81;  // of 8100 Hz, so that the transform has a prime factor above 5
constexpr int64_t kStretch = 30 * kGateHop;

class SpectralGateTest : public testing::Test {
 protected:
  static std::vector<float> samples_of(const char* name) {
    return output::read_npy(test::data() / "denoising" / name).values;
  }
  const std::vector<float> signal_ = samples_of("signal.npy");
  const std::vector<float> expected_ = samples_of("expected.npy");

  [[nodiscard]] std::span<const float> signal(int64_t begin, int64_t samples) const {
    return std::span(signal_).subspan(static_cast<size_t>(begin), static_cast<size_t>(samples));
  }
  static void expect_near(std::span<const float> out, std::span<const float> expected, float tolerance) {
    ASSERT_EQ(out.size(), expected.size());
    for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], tolerance) << i;
  }
};

TEST_F(SpectralGateTest, IsTheReference) {
  const auto size = static_cast<int64_t>(signal_.size());
  SpectralGate gate(kGateHop, size, kStretch);
  gate.judge(signal_, 0, 0);
  std::vector<float> out(static_cast<size_t>(kStretch));
  gate.run(signal(size - kStretch, kStretch), out);
  expect_near(out, expected_, 1e-6F);
}

TEST_F(SpectralGateTest, BlockByBlockItJudgesAsAnew) {
  constexpr int64_t kJudged = 50 * kGateHop;
  for (const int64_t hops : {1, 2, 7, 30}) {
    SpectralGate moving(kGateHop, kJudged, kStretch);
    for (int64_t begin = 0; begin + kJudged <= static_cast<int64_t>(signal_.size());
         begin += hops * kGateHop) {
      // What is newest is told again with the next block, as a gate does.
      std::vector<float> heard(signal(begin, kJudged).begin(), signal(begin, kJudged).end());
      std::fill(heard.end() - 2 * kGateHop, heard.end(), 0.0F);
      moving.judge(heard, hops * kGateHop, 2 * kGateHop);
      SpectralGate anew(kGateHop, kJudged, kStretch);
      anew.judge(heard, 0, 0);
      const auto stretch = signal(begin + kJudged - kStretch, kStretch);
      std::vector<float> out(static_cast<size_t>(kStretch));
      std::vector<float> expected = out;
      moving.run(stretch, out);
      anew.run(stretch, expected);
      ASSERT_EQ(out, expected) << hops << " " << begin;
    }
  }
}

TEST_F(SpectralGateTest, SilenceStaysSilence) {
  const std::vector<float> silence(static_cast<size_t>(kStretch));
  SpectralGate gate(kGateHop, kStretch, kStretch);
  gate.judge(silence, 0, 0);
  std::vector<float> out(silence.size(), 1);
  gate.run(silence, out);
  EXPECT_EQ(out, silence);
}

}  // namespace
}  // namespace contentvec::dsp
