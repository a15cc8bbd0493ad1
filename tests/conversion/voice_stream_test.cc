// The public interface of a stream: what goes in, what comes out, what may change, what is refused.

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "allocations.h"
#include "contentvec/audio.h"
#include "conversion/stream_case.h"
#include "golden.h"

namespace contentvec::conversion {
namespace {

using test::error_of;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

StreamOptions small(int rate = 16000) {
  return {.rate = rate, .block_ms = 100, .extra_ms = 300, .settings = {.key = 2}};
}

double rms(std::span<const float> samples) {
  double sum = 0;
  for (const float x : samples) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum / static_cast<double>(samples.size()));
}

double largest_jump(std::span<const float> samples) {
  double largest = 0;
  for (size_t i = 1; i < samples.size(); ++i)
    largest =
        std::max(largest, std::abs(static_cast<double>(samples[i]) - static_cast<double>(samples[i - 1])));
  return largest;
}

TEST(VoiceStream, IsAsLateAsItSays) {
  const StreamParts parts;
  for (const int rate : {16000, 44100, 48000}) {
    for (const double crossfade : {10.0, 50.0}) {
      StreamOptions options = small(rate);
      options.crossfade_ms = crossfade;
      options.settings.bypass = true;
      options.settings.denoise_input = options.settings.denoise_output = crossfade > 10;
      VoiceStream stream = parts.stream(options);
      EXPECT_EQ(stream.block(), rate / 10);
      EXPECT_EQ(stream.latency(), rate / 10 + rate / 100 * (crossfade / 10 + 1));
      std::vector<float> input(static_cast<size_t>(8 * stream.block()));
      const int64_t place = 3 * stream.block() + 17;
      input[static_cast<size_t>(place)] = 1;
      const std::vector<float> output = run(stream, input);
      const auto heard = std::max_element(output.begin(), output.end()) - output.begin();
      // What process() gives is heard a block after what it took began.
      EXPECT_EQ(heard + stream.block() - place, stream.latency()) << rate << " " << crossfade;
      EXPECT_NEAR(output[static_cast<size_t>(heard)], 1, crossfade > 10 ? 0.6 : 0);
    }
  }
}

TEST(VoiceStream, GivesTheSameWhateverTheThreads) {
  const std::vector<float> input = spoken(1.5, 16000);
  const StreamParts one("tiny-v2-48k", 1);
  const StreamParts three("tiny-v2-48k", 3);
  VoiceStream first = one.stream(small());
  VoiceStream second = three.stream(small());
  const std::vector<float> output = run(first, input);
  ASSERT_FALSE(output.empty());
  EXPECT_GT(rms(output), 1e-3);
  EXPECT_EQ(output, run(second, input));
  first.reset();
  EXPECT_EQ(output, run(first, input));
}

TEST(VoiceStream, TheSeedMakesTheNoise) {
  const StreamParts parts;
  const std::vector<float> input = spoken(0.6, 16000);
  StreamOptions options = small();
  VoiceStream zero = parts.stream(options);
  options.seed = 1;
  VoiceStream one = parts.stream(options);
  EXPECT_NE(run(zero, input), run(one, input));
}

TEST(VoiceStream, MayWriteWhereItReads) {
  const StreamParts parts;
  const std::vector<float> input = spoken(0.5, 16000);
  VoiceStream apart = parts.stream(small());
  VoiceStream in_place = parts.stream(small());
  const std::vector<float> expected = run(apart, input);
  std::vector<float> samples = input;
  for (size_t begin = 0; begin < samples.size(); begin += 1600) {
    const auto block = std::span(samples).subspan(begin, 1600);
    ASSERT_EQ(in_place.process(block, block), StreamStatus::kOk);
  }
  EXPECT_EQ(samples, expected);
}

class StreamMemoryTest : public testing::TestWithParam<std::tuple<std::string, std::string, StreamQuality>> {
};

TEST_P(StreamMemoryTest, IsNotTakenByABlock) {
  if (!test::allocations_are_counted()) GTEST_SKIP() << "a sanitizer brings its own operator new";
  const auto& [voice, pitch, quality] = GetParam();
  const StreamParts parts(voice, 2, pitch);
  StreamOptions options = small(44100);
  options.quality = quality;
  options.fast_context_ms = 100;
  options.settings.rms_mix_rate = 0.25F;
  options.settings.gate_db = -50;
  VoiceStream stream = parts.stream(options);
  const std::vector<float> input = spoken(0.8, 44100);
  std::vector<float> out(static_cast<size_t>(stream.block()));
  const auto block = [&](size_t number) {
    const size_t before = test::allocation_count();
    EXPECT_EQ(stream.process(std::span(input).subspan(number * out.size(), out.size()), out),
              StreamStatus::kOk);
    return test::allocation_count() - before;
  };
  block(0);
  EXPECT_EQ(block(1), 0U);
  StreamSettings settings = stream.settings();
  settings.formant = 12;
  stream.set(settings);
  EXPECT_EQ(block(2), 0U) << "with other formants";
  settings.formant = -7;
  settings.bypass = true;
  stream.set(settings);
  EXPECT_EQ(block(3), 0U) << "in bypass";
  settings.bypass = false;
  settings.denoise_input = settings.denoise_output = true;
  stream.set(settings);
  EXPECT_EQ(block(4), 0U) << "with noise taken out";
  stream.set_voice(Voice::load(test::rvc_synthetic("tiny-v2-24k-resblock2"), {.threads = 2}));
  EXPECT_EQ(block(5), 0U) << "with another voice";
  EXPECT_EQ(block(6), 0U);
}

INSTANTIATE_TEST_SUITE_P(Parts, StreamMemoryTest,
                         testing::Combine(testing::Values("tiny-v2-48k", "tiny-v2-32k-nono"),
                                          testing::Values("tiny-rmvpe", "tiny-fcpe"),
                                          testing::Values(StreamQuality::kExact, StreamQuality::kFast)),
                         [](const auto& test) {
                           const bool is_fast = std::get<2>(test.param) == StreamQuality::kFast;
                           return test::test_name(std::get<0>(test.param) + "_" + std::get<1>(test.param) +
                                                  (is_fast ? "_fast" : ""));
                         });

TEST(VoiceStream, ChangesWithoutAClick) {
  const StreamParts parts;
  const std::vector<float> input = spoken(3, 16000);
  VoiceStream steady = parts.stream(small());
  const double usual = largest_jump(run(steady, input));
  VoiceStream changed = parts.stream(small());
  const Voice other = Voice::load(test::rvc_synthetic("tiny-v2-24k-resblock2"));
  VoiceStream with_other(parts.model, parts.pitch, other, std::nullopt, small());
  const double others = largest_jump(run(with_other, input));
  std::vector<float> output;
  std::vector<float> out(1600);
  for (size_t block = 0; block < input.size() / out.size(); ++block) {
    StreamSettings settings = changed.settings();
    if (block % 4 == 1) settings.key = block % 8 == 1 ? 9 : -5;
    if (block % 4 == 2) settings.formant = block % 8 == 2 ? 4 : -3;
    changed.set(settings);
    if (block % 8 == 3) changed.set_voice(other);
    if (block % 8 == 7) changed.set_voice(parts.voice);
    ASSERT_EQ(changed.process(std::span(input).subspan(block * out.size(), out.size()), out),
              StreamStatus::kOk);
    output.insert(output.end(), out.begin(), out.end());
  }
  EXPECT_LE(largest_jump(output), 1.5 * std::max(usual, others));
}

TEST(VoiceStream, SettingsAreChangedWhileItRuns) {
  const StreamParts parts;
  VoiceStream stream = parts.stream(small());
  const Voice other = Voice::load(test::rvc_synthetic("tiny-v2-24k-resblock2"), {.threads = 1});
  std::atomic<bool> done = false;
  std::thread settings([&] {
    for (int i = 0; !done; ++i) {
      StreamSettings changed = stream.settings();
      changed.key = i % 12;
      changed.formant = i % 5;
      changed.bypass = i % 7 == 0;
      stream.set(changed);
    }
  });
  std::thread voices([&] {
    for (int i = 0; !done; ++i) stream.set_voice(i % 2 == 0 ? other : parts.voice);
  });
  std::thread reader([&] {
    while (!done) EXPECT_GE(stream.stats().blocks, 0);
  });
  EXPECT_FALSE(run(stream, spoken(4, 16000)).empty());
  done = true;
  settings.join();
  voices.join();
  reader.join();
  EXPECT_EQ(stream.stats().failed, 0);
}

TEST(VoiceStream, CountsItsBlocks) {
  const StreamParts parts;
  VoiceStream stream = parts.stream(small());
  EXPECT_EQ(stream.stats().blocks, 0);
  const std::vector<float> input = spoken(1, 16000);
  const std::vector<float> output = run(stream, input);
  const StreamStats stats = stream.stats();
  EXPECT_EQ(stats.blocks, 10);
  EXPECT_EQ(stats.failed, 0);
  EXPECT_GT(stats.last_ms, 0);
  EXPECT_GE(stats.worst_ms, stats.p99_ms);
  EXPECT_GE(stats.p99_ms, stats.mean_ms * 0.99);
  EXPECT_NEAR(stats.input_level, rms(std::span(input).last(1600)), 1e-6);
  EXPECT_NEAR(stats.output_level, rms(std::span(output).last(1600)), 1e-6);
  EXPECT_GE(stats.sola_offset, 0);
  EXPECT_LE(stats.sola_offset, 160);
}

TEST(VoiceStream, SilenceAndWhatIsNoNumberAreTakenAsSilence) {
  const StreamParts parts;
  VoiceStream quiet = parts.stream(small());
  const std::vector<float> silence(8000);
  const std::vector<float> expected = run(quiet, silence);
  ASSERT_FALSE(expected.empty());
  std::vector<float> broken = silence;
  broken[100] = std::numeric_limits<float>::quiet_NaN();
  broken[3000] = std::numeric_limits<float>::infinity();
  VoiceStream stream = parts.stream(small());
  EXPECT_EQ(run(stream, broken), expected);
}

TEST(VoiceStream, TheGateSilencesWhatIsQuiet) {
  const StreamParts parts;
  StreamOptions options = small();
  VoiceStream silent = parts.stream(options);
  const std::vector<float> expected = run(silent, std::vector<float>(8000));
  options.settings.gate_db = -30;
  VoiceStream gated = parts.stream(options);
  std::vector<float> hum(8000);
  for (size_t i = 0; i < hum.size(); ++i)
    hum[i] = 0.01F * static_cast<float>(std::sin(0.02 * static_cast<double>(i)));
  EXPECT_EQ(run(gated, hum), expected);
  VoiceStream open = parts.stream(small());
  EXPECT_NE(run(open, hum), expected);
}

/// How loud it still is from a sample on, in decibels of what goes through.
double left_over(const StreamParts& parts, StreamOptions options, std::span<const float> input, size_t from) {
  VoiceStream stream = parts.stream(options);
  const std::vector<float> before = run(stream, input);
  options.settings.denoise_input = options.settings.denoise_output = true;
  VoiceStream without = parts.stream(options);
  const std::vector<float> after = run(without, input);
  return 20 * std::log10(rms(std::span(after).subspan(from)) / rms(std::span(before).subspan(from)));
}

TEST(VoiceStream, SteadyNoiseIsTakenOutOfTheInput) {
  const StreamParts parts;
  StreamOptions options = small();
  options.block_ms = 250;
  options.extra_ms = 2500;
  options.settings.bypass = true;
  std::vector<float> noise(16000 * 5);
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 0.01F);
  for (float& x : noise) x = normal(random);
  EXPECT_LT(left_over(parts, options, noise, 64000), -12);
  // As in RVC some of what is spoken goes, too, for it is judged by itself.
  const Audio speech = read_audio(test::data() / "audio" / "speech.flac");
  EXPECT_GT(left_over(parts, options, speech.waveform, 0), -6);
}

TEST(VoiceStream, DenoisingComesAndGoesWithoutAClick) {
  const StreamParts parts;
  StreamOptions options = small();
  options.settings.bypass = true;
  const std::vector<float> input = spoken(3, 16000);
  VoiceStream steady = parts.stream(options);
  const double usual = largest_jump(run(steady, input));
  VoiceStream changed = parts.stream(options);
  std::vector<float> output;
  std::vector<float> out(1600);
  for (size_t block = 0; block < input.size() / out.size(); ++block) {
    StreamSettings settings = changed.settings();
    settings.denoise_input = block % 3 == 1;
    changed.set(settings);
    ASSERT_EQ(changed.process(std::span(input).subspan(block * out.size(), out.size()), out),
              StreamStatus::kOk);
    output.insert(output.end(), out.begin(), out.end());
  }
  EXPECT_LE(largest_jump(output), 1.1 * usual);
}

TEST(VoiceStream, ABlockOfTheWrongSizeIsNotTouched) {
  const StreamParts parts;
  VoiceStream stream = parts.stream(small());
  std::vector<float> samples(1599, 5);
  EXPECT_EQ(stream.process(samples, samples), StreamStatus::kWrongSize);
  EXPECT_THAT(samples, Each(5.0F));
  EXPECT_EQ(stream.stats().blocks, 0);
}

TEST(VoiceStream, RefusesWhatIsOutOfRange) {
  const StreamParts parts;
  const auto error_with = [&](const auto& change) {
    StreamOptions options = small();
    change(options);
    return error_of([&] { static_cast<void>(parts.stream(options)); });
  };
  EXPECT_THAT(error_with([](auto& o) { o.rate = 22050 + 1; }),
              AllOf(HasSubstr("22051"), HasSubstr("multiple of 100")));
  EXPECT_THAT(error_with([](auto& o) { o.rate = 0; }), HasSubstr("8000"));
  EXPECT_THAT(error_with([](auto& o) { o.block_ms = 10; }), AllOf(HasSubstr("block"), HasSubstr("20")));
  EXPECT_THAT(error_with([](auto& o) { o.block_ms = std::nan(""); }), HasSubstr("block"));
  EXPECT_THAT(error_with([](auto& o) { o.extra_ms = 1e9; }), HasSubstr("extra"));
  EXPECT_THAT(error_with([](auto& o) { o.crossfade_ms = 0; }), HasSubstr("crossfade"));
  EXPECT_THAT(error_with([](auto& o) { o.search_ms = 500; }), HasSubstr("search"));
  EXPECT_THAT(error_with([](auto& o) { o.pitch_threshold = 2; }), HasSubstr("threshold"));
  EXPECT_THAT(error_with([](auto& o) { o.settings.key = 100; }), HasSubstr("key"));
  EXPECT_THAT(error_with([](auto& o) { o.settings.formant = 13; }), HasSubstr("formant"));
  EXPECT_THAT(error_with([](auto& o) { o.settings.speaker = 99; }), HasSubstr("speaker"));
  EXPECT_THAT(error_with([](auto& o) { o.settings.gate_db = 1; }), HasSubstr("gate"));
}

TEST(VoiceStream, AWrongSettingLeavesTheFormer) {
  const StreamParts parts;
  VoiceStream stream = parts.stream(small());
  StreamSettings settings = stream.settings();
  settings.key = 3;
  stream.set(settings);
  settings.key = -1000;
  EXPECT_THAT(error_of([&] { stream.set(settings); }), HasSubstr("-1000"));
  EXPECT_EQ(stream.settings().key, 3);
  EXPECT_THAT(error_of([&] { stream.set_voice(Voice::load(test::rvc_synthetic("tiny-v1-40k"))); }),
              HasSubstr("layer 9"));
  EXPECT_FALSE(run(stream, spoken(0.3, 16000)).empty());
}

TEST(VoiceStream, NeedsAnEstimatorForAVoiceWithPitch) {
  const StreamParts parts;
  EXPECT_THAT(error_of([&] { VoiceStream(parts.model, std::nullopt, parts.voice, std::nullopt, small()); }),
              HasSubstr("pitch estimator"));
  VoiceStream without(parts.model, std::nullopt, Voice::load(test::rvc_synthetic("tiny-v2-32k-nono")),
                      std::nullopt, small());
  EXPECT_FALSE(run(without, spoken(0.3, 16000)).empty());
  EXPECT_EQ(without.stats().f0, 0);
}

}  // namespace
}  // namespace contentvec::conversion
