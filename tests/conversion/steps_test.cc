// The steps of a conversion that need no model.

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "conversion/join.h"
#include "conversion/loudness.h"
#include "conversion/protect.h"
#include "conversion/recording.h"
#include "support.h"

namespace contentvec::conversion {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;

std::vector<float> tone(size_t samples, double hz, double amplitude, double rate = 16000) {
  std::vector<float> values(samples);
  for (size_t i = 0; i < samples; ++i)
    values[i] =
        static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  return values;
}

float peak(std::span<const float> values) {
  float largest = 0;
  for (const float x : values) largest = std::max(largest, std::abs(x));
  return largest;
}

TEST(Recording, IsMirroredForASecondOnEitherSide) {
  const Recording recording(tone(20000, 440, 0.5), 16000);
  const std::span<const float> samples = recording.samples();
  ASSERT_EQ(samples.size(), 20000U);
  ASSERT_EQ(recording.padded().size(), 52000U);
  for (size_t i = 1; i <= 16000; ++i) {
    ASSERT_EQ(recording.padded()[16000 - i], samples[i]);
    ASSERT_EQ(recording.padded()[16000 + 19999 + i], samples[19999 - i]);
  }
  // Shorter than what is mirrored: there and back.
  const Recording brief(tone(100, 440, 0.5), 16000);
  EXPECT_EQ(brief.padded()[16000 - 198], brief.samples()[0]);
  EXPECT_EQ(brief.padded()[0],
            brief.samples()[38]);  // 81 times there and back are 16038
  EXPECT_EQ(Recording(std::vector<float>{0.5F}, 16000).padded().size(), 32001U);
}

TEST(Recording, IsTurnedDownWhereItIsTooLoud) {
  // Away from the ends, where the high-pass swings.
  const auto peak_of = [](double amplitude) {
    const Recording recording(tone(16000, 440, amplitude), 16000);
    return peak(recording.samples().subspan(4000, 8000));
  };
  EXPECT_NEAR(peak_of(3), 0.95, 1e-3);
  EXPECT_NEAR(peak_of(0.9), 0.9, 1e-3);
}

TEST(Recording, OtherRatesAreResampled) {
  for (const int rate : {8000, 44100, 192000}) {
    const auto samples = static_cast<size_t>(rate);
    const Recording recording(tone(samples, 440, 0.5, rate), rate);
    ASSERT_EQ(recording.samples().size(), 16000U) << rate;
    const Recording direct(tone(16000, 440, 0.5), 16000);
    for (size_t i = 1000; i < 15000; ++i)
      ASSERT_NEAR(recording.samples()[i], direct.samples()[i], 1e-3) << rate;
  }
}

TEST(Recording, WhatIsNoneIsRefused) {
  EXPECT_THAT(test::error_of([] { Recording({}, 16000); }), HasSubstr("no samples"));
  EXPECT_THAT(test::error_of([] {
                Recording(std::vector<float>{0, std::nanf("")}, 16000);
              }),
              HasSubstr("sample 1"));
  EXPECT_THAT(test::error_of([] { Recording(std::vector<float>{0}, 0); }), HasSubstr("0 Hz"));
}

TEST(ProtectUnvoiced, OnlyFramesWithoutPitchAreGivenBack) {
  std::vector<float> blended = {1, 2, 3, 4, 5, 6};
  const std::vector<float> own = {11, 12, 13, 14, 15, 16};
  protect_unvoiced(blended, own, std::vector<float>{0, 100, 0.9F}, 0.25F);
  EXPECT_THAT(blended, ElementsAre(8.5F, 9.5F, 3, 4, 12.5F, 13.5F));
}

TEST(MixLoudness, BringsTheRecordingsLoudness) {
  const std::vector<float> recording = tone(64000, 440, 0.4);
  const auto mixed = [&](float mix) {
    std::vector<float> converted = tone(4 * 48000, 300, 0.1, 48000);
    mix_loudness(converted, 48000, recording, mix);
    return peak(std::span(converted).subspan(48000, 96000));
  };
  EXPECT_NEAR(mixed(0), 0.4, 1e-3);
  EXPECT_NEAR(mixed(0.5F), 0.2, 1e-3);
  EXPECT_NEAR(mixed(0.999999F), 0.1, 1e-3);
}

TEST(MixLoudness, SilenceStaysSilentAndNothingIsDividedByIt) {
  std::vector<float> converted = tone(48000, 300, 0.1, 48000);
  mix_loudness(converted, 48000, std::vector<float>(16000, 0.0F), 0.25F);
  EXPECT_THAT(converted, Each(0));
  std::vector<float> silent(48000, 0.0F);
  mix_loudness(silent, 48000, tone(16000, 440, 0.4), 0);
  EXPECT_THAT(silent, Each(0));
  mix_loudness({}, 48000, tone(16000, 440, 0.4), 0);
}

std::vector<float> constant(size_t samples, float value) {
  return std::vector<float>(samples, value);
}

TEST(Join, WithoutACrossfadeThePaddingIsCutOff) {
  Join join(10, 0);
  join.add(constant(29, 1), 10, false);  // a sample short of what is its own
  join.add(constant(25, 2), 5, true);
  EXPECT_THAT(join.joined(), ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2));
  for (const size_t samples : {0U, 19U, 20U}) {
    Join nothing(10, 0);
    nothing.add(constant(samples, 1), -1, true);
    EXPECT_THAT(nothing.joined(), testing::IsEmpty());
  }
}

TEST(Join, ACrossfadeIsAroundTheTruePlaceOfTheCut) {
  Join join(10, 4);
  join.add(constant(29, 1), 10, false);
  join.add(constant(25, 0), 5, true);
  const std::vector<float> joined = join.joined();
  ASSERT_EQ(joined.size(), 15U);
  EXPECT_THAT(std::vector(joined.begin(), joined.begin() + 8), Each(1));
  for (size_t i = 0; i < 4; ++i) {
    const double angle = std::numbers::pi / 2 * (static_cast<double>(i) + 0.5) / 4;
    EXPECT_NEAR(joined[8 + i], std::cos(angle) * std::cos(angle), 1e-6);
  }
  EXPECT_THAT(std::vector(joined.begin() + 12, joined.end()), Each(0));
}

TEST(Join, BehindTheLastCutThereMayBeNothing) {
  Join join(10, 4);
  join.add(constant(29, 1), 10, false);
  join.add({}, -1, true);
  EXPECT_EQ(join.joined(), constant(10, 1));
}

TEST(Join, OfTheSameSignalACrossfadeIsThatSignal) {
  const std::vector<float> signal = tone(300, 700, 0.5);
  const auto part = [&](size_t begin, size_t end) { return std::span(signal).subspan(begin, end - begin); };
  Join join(20, 12);
  join.add(part(0, 140), 100, false);
  join.add(part(100, 220), 80, false);
  join.add(part(180, 222), 2, true);  // less than half of the fade
  ASSERT_EQ(join.joined().size(), 182U);
  for (size_t i = 0; i < 182; ++i) ASSERT_NEAR(join.joined()[i], signal[20 + i], 1e-6) << i;
}

}  // namespace
}  // namespace contentvec::conversion
