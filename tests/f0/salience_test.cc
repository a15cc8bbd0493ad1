#include "f0/salience.h"

#include <gtest/gtest.h>

#include "golden.h"

namespace contentvec::f0 {
namespace {

TEST(DecodeRmvpe, TheEdgesAreTheReferences) {
  const test::RvcGolden golden = test::read_rvc_golden("rmvpe-decode");
  const std::vector<float>& salience = golden.arrays.at("salience").values;
  const std::vector<float>& f0 = golden.arrays.at("f0_float64").values;
  for (size_t row = 0; row < f0.size(); ++row) {
    const FramePitch pitch =
        decode_rmvpe(std::span(salience).subspan(row * kSalienceBins, kSalienceBins), 0.03F);
    EXPECT_NEAR(pitch.f0, f0[row], 1e-6 * static_cast<double>(f0[row])) << row;
  }
}

TEST(DecodeFcpe, BinsBeyondTheEndsCountAsTheLastInside) {
  std::vector<float> cents(kSalienceBins);
  for (size_t bin = 0; bin < cents.size(); ++bin) cents[bin] = static_cast<float>(bin) * 1200;
  std::vector<float> salience(kSalienceBins, 0.0F);
  salience[0] = 0.5F;
  salience[4] = 0.1F;
  // The first bin five times, and the fifth.
  const double expected = 10 * std::exp2(0.1 * 4 / (5 * 0.5 + 0.1));
  EXPECT_NEAR(decode_fcpe(salience, cents, 0.006F).f0, expected, 1e-5);
  EXPECT_EQ(decode_fcpe(salience, cents, 0.5F).f0, 0);
  EXPECT_EQ(decode_fcpe(salience, cents, 0.5F).confidence, 0.5F);
}

}  // namespace
}  // namespace contentvec::f0
