#include "contentvec/feature_stream.h"

#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "allocations.h"
#include "conversion/stream_case.h"
#include "golden.h"

namespace contentvec::conversion {
namespace {

using test::error_of;
using testing::HasSubstr;

const Model& tiny() {
  static const Model model = Model::load(test::synthetic("tiny"), {.threads = 2});
  return model;
}

std::vector<float> pull_all(FeatureStream& stream) {
  std::vector<float> features(static_cast<size_t>(stream.ready() * stream.dim()));
  EXPECT_EQ(stream.pull(features) * stream.dim(), static_cast<int64_t>(features.size()));
  EXPECT_EQ(stream.ready(), 0);
  return features;
}

std::vector<float> streamed(FeatureStream& stream, std::span<const float> samples, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::vector<float> features;
  while (!samples.empty()) {
    const auto some = samples.first(std::min<size_t>(samples.size(), 1 + random() % 3000));
    stream.push(some);
    samples = samples.subspan(some.size());
    const std::vector<float> now = pull_all(stream);
    features.insert(features.end(), now.begin(), now.end());
  }
  stream.finish();
  const std::vector<float> rest = pull_all(stream);
  features.insert(features.end(), rest.begin(), rest.end());
  return features;
}

TEST(FeatureStream, WithAllInItsWindowIsTheRecording) {
  for (const auto quality : {StreamQuality::kExact, StreamQuality::kFast}) {
    FeatureStream stream(tiny(), {.context_ms = 3000, .look_ahead_ms = 3000, .quality = quality});
    for (const int64_t samples : {400, 719, 720, 16000, 31999}) {
      std::vector<float> recording = spoken(2, 16000);
      recording.resize(static_cast<size_t>(samples));
      EXPECT_EQ(streamed(stream, recording), tiny().extract(recording, {.normalize = Normalize::kOff}).data);
      stream.reset();
    }
  }
}

TEST(FeatureStream, HowItIsPushedChangesNothing) {
  const std::vector<float> recording = spoken(4.321, 16000);
  for (const auto quality : {StreamQuality::kExact, StreamQuality::kFast}) {
    FeatureStream stream(tiny(),
                         {.block_ms = 60, .context_ms = 300, .look_ahead_ms = 40, .quality = quality});
    const std::vector<float> first = streamed(stream, recording, 1);
    stream.reset();
    EXPECT_EQ(streamed(stream, recording, 2), first);
    EXPECT_EQ(first.size(), tiny().extract(recording, {.normalize = Normalize::kOff}).data.size());
  }
}

/// With convolutions that know no level, fast and exact are the same but for rounding, and each block is the window's.
TEST(FeatureStream, AFrameIsThatOfItsWindow) {
  const Model model = Model::load(test::synthetic("tiny-large"), {.threads = 2});
  const std::vector<float> recording = spoken(2, 16000);
  constexpr int64_t kBlock = 5;  // frames
  constexpr int64_t kAhead = 3;
  constexpr int64_t kContext = 10;
  const FeatureStreamOptions options = {
      .block_ms = 20 * kBlock, .context_ms = 20 * kContext, .look_ahead_ms = 20 * kAhead};
  FeatureStream fast(model, options);
  const std::vector<float> features = streamed(fast, recording);
  int64_t given = 0;
  for (int64_t end = kBlock * 320; end <= static_cast<int64_t>(recording.size()); end += kBlock * 320) {
    const int64_t begin = std::max<int64_t>(0, end - (kContext + kAhead + 1 + kBlock) * 320);
    const Features window = model.extract(
        std::span(recording).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
        {.normalize = Normalize::kOff});
    for (; given < model.config().frames(std::max<int64_t>(end - kAhead * 320, 0)); ++given) {
      for (int64_t c = 0; c < window.dim; ++c)
        ASSERT_NEAR(features[static_cast<size_t>(given * window.dim + c)],
                    window.row(given - begin / 320)[static_cast<size_t>(c)], 2e-5F)
            << given;
    }
  }
  EXPECT_GT(given, 80);
}

TEST(FeatureStream, IsAsLateAsItSays) {
  FeatureStream stream(tiny(), {.block_ms = 100, .context_ms = 200, .look_ahead_ms = 60});
  const std::vector<float> recording = spoken(2, 16000);
  int64_t frames = 0;
  for (int64_t pushed = 0; pushed < static_cast<int64_t>(recording.size()); ++pushed) {
    stream.push(std::span(recording).subspan(static_cast<size_t>(pushed), 1));
    frames += stream.ready();
    pull_all(stream);
    // Each frame that began so long ago is there.
    EXPECT_GE(frames * 320, pushed + 1 - stream.latency());
  }
}

TEST(FeatureStream, PullsAsMuchAsFits) {
  FeatureStream stream(tiny());
  stream.push(spoken(1, 16000));
  stream.finish();
  EXPECT_EQ(stream.ready(), 49);
  std::vector<float> some(static_cast<size_t>(10 * stream.dim() + 3));
  EXPECT_EQ(stream.pull(some), 10);
  EXPECT_EQ(stream.ready(), 39);
  EXPECT_EQ(stream.pull({}), 0);
}

TEST(FeatureStream, TakesNoMemoryOnceItsWindowIsFull) {
  if (!test::allocations_are_counted()) GTEST_SKIP() << "a sanitizer brings its own operator new";
  FeatureStream stream(tiny(), {.context_ms = 300});
  const std::vector<float> recording = spoken(3, 16000);
  std::vector<float> out(static_cast<size_t>(100 * stream.dim()));
  stream.push(std::span(recording).first(16000));
  stream.pull(out);
  const size_t before = test::allocation_count();
  for (size_t begin = 16000; begin < recording.size(); begin += 800) {
    stream.push(std::span(recording).subspan(begin, 800));
    stream.pull(out);
  }
  EXPECT_EQ(test::allocation_count() - before, 0U);
}

TEST(FeatureStream, TooLittleGivesNoFrames) {
  FeatureStream stream(tiny());
  stream.push(std::vector<float>(399));
  stream.finish();
  EXPECT_EQ(stream.ready(), 0);
}

TEST(FeatureStream, RefusesWhatItCannotDo) {
  EXPECT_THAT(error_of([] { FeatureStream(tiny(), {.stage = {.layer = 99}}); }), HasSubstr("99"));
  EXPECT_THAT(error_of([] { FeatureStream(tiny(), {.block_ms = 1}); }), HasSubstr("block"));
  EXPECT_THAT(error_of([] { FeatureStream(tiny(), {.context_ms = -1}); }), HasSubstr("context"));
  EXPECT_THAT(error_of([] { FeatureStream(tiny(), {.look_ahead_ms = 1e6}); }), HasSubstr("look-ahead"));
  EXPECT_THAT(error_of([] { FeatureStream(Model::load(test::synthetic("tiny-speaker"))); }),
              HasSubstr("speakers"));
  FeatureStream stream(tiny());
  EXPECT_THAT(
      error_of([&] { stream.push(std::vector<float>(16000, std::numeric_limits<float>::quiet_NaN())); }),
      HasSubstr("finite"));
}

}  // namespace
}  // namespace contentvec::conversion
