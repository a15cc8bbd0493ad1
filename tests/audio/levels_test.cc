// What a listener would notice at once is a warning: silence that the mean of the channels makes, and samples
// out of all proportion.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "audio/wav.h"
#include "contentvec/audio.h"

namespace contentvec {
namespace {

using test::wav;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kToneFrames = 20'000;

float tone(size_t t) {
  return 0.25f * std::sin(0.05f * static_cast<float>(t));
}

/// A tone, in channels of these gains.
std::vector<float> channels(const std::vector<float>& gains) {
  std::vector<float> samples;
  for (size_t t = 0; t < kToneFrames; ++t) {
    for (const float gain : gains) samples.push_back(gain * tone(t));
  }
  return samples;
}

std::vector<std::string> warnings_of(uint16_t count, const std::vector<float>& samples,
                                     uint32_t rate = 16000) {
  return read_audio(test::wav(rate, count, samples), "in").warnings;
}

TEST(Levels, OfChannelsThatCancelAreWarnedOf) {
  EXPECT_THAT(warnings_of(2, channels({1, -1})), ElementsAre(HasSubstr("channels cancel")));
  EXPECT_THAT(warnings_of(2, channels({1, -0.999f})), ElementsAre(HasSubstr("channels cancel")));
  EXPECT_THAT(warnings_of(4, channels({1, -1, 0.5f, -0.5f})), ElementsAre(HasSubstr("channels cancel")));
}

TEST(Levels, OfOtherChannelsAreNot) {
  EXPECT_THAT(warnings_of(2, channels({1, -0.5f})), IsEmpty());
  EXPECT_THAT(warnings_of(2, channels({1, 0})), IsEmpty());
  EXPECT_THAT(warnings_of(8, channels({0, 0, 0, 0, 0, 0, 0, 1})), IsEmpty());
  EXPECT_THAT(warnings_of(2, channels({0, 0})), IsEmpty());  // silence as it was recorded
  EXPECT_THAT(warnings_of(1, channels({1})), IsEmpty());
}

TEST(Levels, FarBeyondFullScaleAreWarnedOf) {
  for (const float huge : {1e30f, -1e30f, 300.0f}) {
    std::vector<float> samples = channels({1});
    samples[4000] = huge;
    EXPECT_THAT(warnings_of(1, samples),
                ElementsAre(AllOf(HasSubstr("far beyond 1"), HasSubstr("at 0.250 s"))))
        << huge;
  }
  EXPECT_THAT(warnings_of(1, channels({8})), IsEmpty());  // 2: a hot recording
}

TEST(Levels, OfIntegersAreWarnedOf) {
  EXPECT_THAT(warnings_of(1, channels({40'000})), ElementsAre(HasSubstr("the scale of 16-bit integers")));
  EXPECT_THAT(warnings_of(2, channels({2000, 3000}), 44100),
              ElementsAre(HasSubstr("the scale of 16-bit integers")));
}

}  // namespace
}  // namespace contentvec
