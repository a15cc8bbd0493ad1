#include "dsp/envelope.h"

#include <gmock/gmock.h>

#include <cmath>

namespace contentvec::dsp {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

TEST(RmsEnvelope, FramesAreCentredAndPaddedWithZeros) {
  const auto root = [](double x) { return DoubleNear(std::sqrt(x), 1e-12); };
  // Frames of 4 samples, one every 2.
  EXPECT_THAT(rms_envelope(std::vector<float>{1, 2, 3, 4, 5}, 2),
              ElementsAre(root((1 + 4) / 4.0), root((1 + 4 + 9 + 16) / 4.0), root((9 + 16 + 25) / 4.0)));
  EXPECT_THAT(rms_envelope(std::vector<float>{1, 2, 3, 4}, 2),
              ElementsAre(root(5 / 4.0), root(30 / 4.0), root(25 / 4.0)));
  EXPECT_THAT(rms_envelope(std::vector<float>{3}, 8000), ElementsAre(root(9 / 16000.0)));
}

TEST(HalfPixel, HoldsTheEndsAndJoinsTheMiddles) {
  const std::vector<double> values = {1, 3};
  const HalfPixel stretched(values, 4);
  EXPECT_THAT((std::vector<double>{stretched.at(0), stretched.at(1), stretched.at(2), stretched.at(3)}),
              ElementsAre(1, DoubleNear(1.5, 1e-12), DoubleNear(2.5, 1e-12), 3));
  const std::vector<double> three = {1, 5, 2};
  EXPECT_NEAR(HalfPixel(three, 1).at(0), 5, 1e-12);
  const std::vector<double> one = {7};
  EXPECT_EQ(HalfPixel(one, 5).at(4), 7);
}

TEST(RmsEnvelope, TakesLongerFrames) {
  const std::vector<float> signal = {1, 2, 3, 4, 5, 6};
  std::vector<double> envelope(4);
  rms_envelope(signal, 2, 4, envelope);  // frames of 8 samples, one every 2
  const auto root = [](double x) { return DoubleNear(std::sqrt(x), 1e-12); };
  EXPECT_THAT(envelope, ElementsAre(root(30 / 8.0), root(91 / 8.0), root(91 / 8.0), root(86 / 8.0)));
}

TEST(AlignedCorners, BeginsWithTheFirstAndEndsBehindTheLast) {
  const std::vector<double> values = {1, 3, 2};
  const AlignedCorners stretched(values, 4);
  EXPECT_THAT((std::vector<double>{stretched.at(0), stretched.at(1), stretched.at(2), stretched.at(3)}),
              ElementsAre(1, 2, 3, 2.5));
}

}  // namespace
}  // namespace contentvec::dsp
