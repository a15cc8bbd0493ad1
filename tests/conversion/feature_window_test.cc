#include "conversion/feature_window.h"

#include <gtest/gtest.h>

#include "conversion/pieces.h"
#include "conversion/stream_case.h"
#include "golden.h"

namespace contentvec::conversion {
namespace {

constexpr Stage kStage = {.layer = kModelOutput};

/// What a stream has heard after so many hops, silence before its beginning.
std::vector<float> window_at(const std::vector<float>& stream, int64_t hops, int64_t window_hops) {
  std::vector<float> window(static_cast<size_t>(window_hops * kPitchHop));
  const int64_t begin = (hops - window_hops) * kPitchHop;
  for (int64_t i = std::max<int64_t>(-begin, 0); i < static_cast<int64_t>(window.size()); ++i)
    window[static_cast<size_t>(i)] = stream[static_cast<size_t>(begin + i)];
  return window;
}

struct WindowSizes {
  int64_t block;
  int64_t hops;
  int64_t window_hops;
};

class FeatureWindowTest : public testing::TestWithParam<WindowSizes> {};

/// With convolutions that know no level, what is kept is what would be computed anew.
TEST_P(FeatureWindowTest, FastIsTheWindowFromAWholeFrameOn) {
  const auto [block, hops, window_hops] = GetParam();
  const Model model = Model::load(test::synthetic("tiny-large"), {.threads = 2});
  FeatureWindow fast(model, StreamQuality::kFast, hops);
  const std::vector<float> stream = spoken(3, 16000);
  for (int64_t end = block; end * kPitchHop <= static_cast<int64_t>(stream.size()); end += block) {
    const std::vector<float> window = window_at(stream, end, window_hops);
    const std::span<const float> features = fast.advance(window, block, kStage);
    // Frames are counted in the stream: this one begins at an even hop of it.
    const int64_t begin = end - hops - fast.offset();
    ASSERT_EQ(begin % 2, 0);
    ASSERT_LE(std::abs(fast.offset()), 1);
    const auto heard = std::span(window).last(static_cast<size_t>((end - begin) * kPitchHop));
    const Features expected = model.extract(heard, {.normalize = Normalize::kOff});
    ASSERT_EQ(features.size(), expected.data.size());
    for (size_t i = 0; i < features.size(); ++i)
      ASSERT_NEAR(features[i], expected.data[i], 2e-5F) << end << " " << i;
  }
}

/// What has changed before a block is computed anew, too.
TEST_P(FeatureWindowTest, FastForgetsWhatHasChanged) {
  const auto [block, hops, window_hops] = GetParam();
  const Model model = Model::load(test::synthetic("tiny-large"), {.threads = 2});
  constexpr int64_t kChanged = 5;
  FeatureWindow fast(model, StreamQuality::kFast, hops);
  const std::vector<float> stream = spoken(5, 16000);
  const int64_t end = window_hops + 7;
  std::vector<float> otherwise = window_at(stream, end, window_hops);
  std::fill(otherwise.end() - kChanged * kPitchHop, otherwise.end(), 0.0F);
  fast.advance(otherwise, end, kStage);
  const std::vector<float> window = window_at(stream, end + block, window_hops);
  const std::span<const float> features = fast.advance(window, block, kStage, kChanged);
  const auto heard = std::span(window).last(static_cast<size_t>((hops + fast.offset()) * kPitchHop));
  const Features expected = model.extract(heard, {.normalize = Normalize::kOff});
  ASSERT_EQ(features.size(), expected.data.size());
  for (size_t i = 0; i < features.size(); ++i) ASSERT_NEAR(features[i], expected.data[i], 2e-5F) << i;
}

TEST_P(FeatureWindowTest, ExactIsTheWindow) {
  const auto [block, hops, window_hops] = GetParam();
  const Model model = Model::load(test::synthetic("tiny"), {.threads = 2});
  FeatureWindow exact(model, StreamQuality::kExact, hops);
  const std::vector<float> stream = spoken(2, 16000);
  for (int64_t end = block; end * kPitchHop <= static_cast<int64_t>(stream.size()); end += block) {
    const std::vector<float> window = window_at(stream, end, window_hops);
    const std::span<const float> features = exact.advance(window, block, kStage);
    EXPECT_EQ(exact.offset(), 0);
    const auto heard = std::span(window).last(static_cast<size_t>(hops * kPitchHop));
    const Features expected = model.extract(heard, {.normalize = Normalize::kOff});
    ASSERT_EQ(std::vector<float>(features.begin(), features.end()), expected.data);
  }
}

TEST(FeatureWindow, AfterASkipAndAResetNothingIsTakenForKnown) {
  const Model model = Model::load(test::synthetic("tiny-large"), {.threads = 2});
  const std::vector<float> stream = spoken(3, 16000);
  FeatureWindow skipped(model, StreamQuality::kFast, 50);
  skipped.advance(window_at(stream, 100, 60), 100, kStage);
  skipped.skip(25);
  const std::span<const float> after = skipped.advance(window_at(stream, 150, 60), 25, kStage);
  FeatureWindow anew(model, StreamQuality::kFast, 50);
  const std::span<const float> expected = anew.advance(window_at(stream, 150, 60), 150, kStage);
  EXPECT_EQ(std::vector<float>(after.begin(), after.end()),
            std::vector<float>(expected.begin(), expected.end()));
  const std::vector<float> kept(expected.begin(), expected.end());
  skipped.reset();
  const std::span<const float> again = skipped.advance(window_at(stream, 150, 60), 150, kStage);
  EXPECT_EQ(std::vector<float>(again.begin(), again.end()), kept);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FeatureWindowTest,
                         testing::Values(WindowSizes{25, 100, 281}, WindowSizes{25, 100, 100},
                                         WindowSizes{2, 40, 41}, WindowSizes{3, 33, 60},
                                         WindowSizes{10, 51, 51}, WindowSizes{100, 120, 130}),
                         [](const auto& test) {
                           return "block" + std::to_string(test.param.block) + "_of" +
                                  std::to_string(test.param.hops) + "_in" +
                                  std::to_string(test.param.window_hops);
                         });

}  // namespace
}  // namespace contentvec::conversion
