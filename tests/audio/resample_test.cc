#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>
#include <vector>

#include "audio/resampler.h"
#include "contentvec/audio.h"
#include "support.h"

namespace contentvec {
namespace {

std::vector<float> noise(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.3f);
  std::vector<float> waveform(size);
  for (float& x : waveform) x = normal(random);
  return waveform;
}

TEST(Resample, LengthIsRoundedUp) {
  std::mt19937 random(7);
  for (const int rate :
       {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000, 15999}) {
    for (int trial = 0; trial < 20; ++trial) {
      const size_t size = 1 + random() % 5000;
      const auto expected = static_cast<size_t>((static_cast<int64_t>(size) * 16000 + rate - 1) / rate);
      EXPECT_EQ(resample(noise(size, 1), rate).size(), expected) << size << " samples at " << rate << " Hz";
    }
  }
}

TEST(Resample, NothingGivesNothing) {
  EXPECT_TRUE(resample({}, 44100).empty());
  EXPECT_TRUE(resample({}, 16000).empty());
}

TEST(Resample, EqualRatesPassBitsOn) {
  const std::vector<float> waveform = {0.1f, -0.0f, 3.5f, -1e-40f, 1e30f};
  const auto result = resample(waveform, 16000);
  ASSERT_EQ(result.size(), waveform.size());
  EXPECT_EQ(std::memcmp(result.data(), waveform.data(), waveform.size() * sizeof(float)), 0);
  EXPECT_EQ(resample(waveform, 48000, 48000), waveform);
}

/// A tone below both Nyquist rates comes out as the same tone at the new rate.
TEST(Resample, KeepsATone) {
  constexpr double kTone = 2 * std::numbers::pi * 1000;
  for (const int rate : {8000, 44100, 96000}) {
    std::vector<float> tone(static_cast<size_t>(rate) / 2);
    for (size_t i = 0; i < tone.size(); ++i) tone[i] = static_cast<float>(std::sin(kTone * double(i) / rate));
    const auto result = resample(tone, rate);
    for (size_t i = 1000; i + 1000 < result.size(); ++i) {
      ASSERT_NEAR(result[i], std::sin(kTone * double(i) / 16000), 1e-4) << rate << " Hz, sample " << i;
    }
  }
}

TEST(Resample, WhereBlocksEndDoesNotShow) {
  for (const int rate : {8000, 11025, 44100, 48000, 37123}) {
    const auto waveform = noise(100'000, 3);
    const auto whole = resample(waveform, rate);
    audio::Resampler resampler(rate, kSampleRate);
    std::mt19937 random(5);
    for (std::span<const float> rest = waveform; !rest.empty();) {
      const size_t size = std::min<size_t>(rest.size(), 1 + random() % 9000);
      resampler.push(rest.first(size));
      rest = rest.subspan(size);
    }
    EXPECT_EQ(resampler.finish(), whole) << rate;
  }
}

TEST(Resample, ExtremeRatesWork) {
  EXPECT_EQ(resample(noise(10, 1), 1).size(), 160'000u);
  EXPECT_EQ(resample(noise(1'000'000, 1), 1'000'000).size(), 16'000u);
  EXPECT_EQ(resample(noise(100'000, 1), 1'000'000, 1).size(), 1u);
}

TEST(Resample, RefusesAbsurdRates) {
  for (const int rate : {0, -1, 1'000'001}) {
    EXPECT_THAT(test::error_of([&] { resample({}, rate); }),
                testing::HasSubstr("expected rates from 1 to 1000000"));
    EXPECT_THAT(test::error_of([&] { resample({}, 16000, rate); }), testing::HasSubstr("expected rates"));
  }
}

}  // namespace
}  // namespace contentvec
