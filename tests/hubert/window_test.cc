// Windows that move through a recording: ExtractOptions::around and projected.

#include <gmock/gmock.h>

#include <random>

#include "allocations.h"
#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

using test::error_of;
using testing::HasSubstr;

std::vector<float> noise(size_t samples) {
  std::mt19937 random(9);
  std::normal_distribution<float> normal(0.0F, 0.1F);
  std::vector<float> waveform(samples);
  for (size_t i = 0; i < samples; ++i) waveform[i] = normal(random) * (i < samples / 2 ? 0.1F : 1.0F);
  return waveform;
}

class WindowTest : public testing::TestWithParam<std::string> {
 protected:
  Model model_ = Model::load(test::synthetic(GetParam()), {.threads = 2});
  int64_t width_ = model_.config().encoder_embed_dim;
  int64_t hop_ = model_.config().hop();
  std::vector<float> recording_ = noise(16000);

  [[nodiscard]] std::span<const float> frames_from(int64_t frame) const {
    return std::span(recording_).subspan(static_cast<size_t>(frame * hop_));
  }
  [[nodiscard]] Features projected(std::span<const float> waveform, std::span<const float> around) const {
    return model_.extract(waveform, {.layer = kProjected, .normalize = Normalize::kOff, .around = around});
  }
};

TEST_P(WindowTest, AroundItselfIsTheWindow) {
  const Features expected = model_.extract(recording_, {.normalize = Normalize::kOff});
  const Features features = model_.extract(recording_, {.normalize = Normalize::kOff, .around = recording_});
  EXPECT_EQ(features.data, expected.data);
}

TEST_P(WindowTest, AroundTheRecordingAFrameIsWhatTheRecordingHasThere) {
  const Features whole = projected(recording_, {});
  for (const int64_t first : {1, 3, 7, 20, 21}) {
    const Features window = projected(frames_from(first), recording_);
    ASSERT_EQ(window.frames, whole.frames - first);
    const std::vector<float> expected(whole.data.begin() + first * width_, whole.data.end());
    // The convolutions compute three rows together, from a waveform's first on. Where threes begin elsewhere, rounding
    // is another: each of the two is within the contract.
    const bool same_threes = first % 3 == 0;
    EXPECT_LE(test::max_abs_error(window.data, expected), same_threes ? 1e-6 : 2e-5) << first;
  }
}

TEST_P(WindowTest, OfAnotherLevelItIsOnlyWhereThereIsAGroupNorm) {
  const bool has_group_norm = model_.config().extractor_mode != ExtractorMode::kLayerNorm;
  const Features own = projected(frames_from(20), {});
  const Features around = projected(frames_from(20), recording_);
  EXPECT_EQ(test::max_abs_error(own.data, around.data) > 1e-3, has_group_norm);
}

TEST_P(WindowTest, WhatIsKnownNeedNotBeComputed) {
  const std::span<const float> window = frames_from(5);
  const ExtractOptions anew = {.normalize = Normalize::kOff, .around = recording_};
  const Features expected = model_.extract(window, anew);
  const Features known = projected(window, recording_);
  for (const int64_t frames : {int64_t{1}, int64_t{13}, known.frames - 1}) {
    ExtractOptions options = anew;
    options.projected = std::span(known.data).first(static_cast<size_t>(frames * width_));
    EXPECT_EQ(model_.extract(window, options).data, expected.data) << frames;
  }
  // They are taken as they are.
  ExtractOptions options = anew;
  const std::vector<float> zeros(static_cast<size_t>(3 * width_));
  options.projected = zeros;
  options.layer = kProjected;
  const Features taken = model_.extract(window, options);
  EXPECT_THAT(std::vector<float>(taken.data.begin(), taken.data.begin() + 3 * width_), testing::Each(0.0F));
  EXPECT_THAT(taken.row(3), testing::ElementsAreArray(known.row(3)));
}

TEST_P(WindowTest, RefusesWhatDoesNotFit) {
  const auto error_with = [&](const ExtractOptions& options) {
    return error_of([&] { static_cast<void>(model_.extract(recording_, options)); });
  };
  const std::vector<float> values(static_cast<size_t>(60 * width_));
  EXPECT_THAT(error_with({.projected = std::span(values).first(static_cast<size_t>(width_ - 1))}),
              HasSubstr("rows of"));
  EXPECT_THAT(error_with({.projected = values}), HasSubstr("fewer than"));
  EXPECT_THAT(error_with({.around = std::span(values).first(10)}), HasSubstr("10"));
  const std::vector<std::span<const float>> two = {recording_, recording_};
  EXPECT_THAT(error_of([&] { static_cast<void>(model_.extract_batch(two, {.around = recording_})); }),
              HasSubstr("one waveform"));
}

INSTANTIATE_TEST_SUITE_P(Models, WindowTest, testing::Values("tiny", "tiny-large"),
                         [](const auto& test) { return test::test_name(test.param); });

}  // namespace
}  // namespace contentvec
