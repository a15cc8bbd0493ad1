#include "dsp/mel.h"

#include <gmock/gmock.h>

#include <cmath>

#include "golden.h"

namespace contentvec::dsp {
namespace {

/// To one unit in the last place of the reference's basis.
void expect_basis(const MelBasis& basis, const std::string& golden) {
  const std::vector<float> expected = test::read_rvc_golden(golden).arrays.at("mel_basis").values;
  ASSERT_EQ(basis.weights().size(), expected.size());
  int differ = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const float next = std::nextafter(expected[i], INFINITY);
    ASSERT_LE(std::abs(basis.weights()[i] - expected[i]), next - expected[i]) << i;
    differ += basis.weights()[i] != expected[i] ? 1 : 0;
  }
  EXPECT_LT(differ, 200) << "of " << expected.size();
}

TEST(MelBasis, IsTheReferences) {
  expect_basis(MelBasis(MelScale::kHtk, 16000, 1024, 128, 30, 8000), "rmvpe-mel-basis");
  expect_basis(MelBasis(MelScale::kSlaney, 16000, 1024, 128, 0, 8000), "fcpe-mel-basis");
}

TEST(MelBasis, ALogarithmOfNothingIsThatOfTheLeast) {
  const MelBasis basis(MelScale::kHtk, 16000, 1024, 128, 30, 8000);
  std::vector<float> out(128);
  basis.log_mel(std::vector<double>(513), out.data());
  EXPECT_THAT(out, ::testing::Each(std::log(1e-5F)));
}

}  // namespace
}  // namespace contentvec::dsp
