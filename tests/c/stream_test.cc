// Streams through the C interface: the same samples as through the C++ one, and every mistake a status.

#include "contentvec/stream.h"

#include <gmock/gmock.h>

#include <cmath>
#include <memory>

#include "allocations.h"
#include "contentvec/c.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::HasSubstr;

template <typename Handle>
using Owned = std::unique_ptr<Handle, void (*)(Handle*)>;

struct CStreamTest : testing::Test {
  CStreamTest() {
    contentvec_stream_options_init(&options, sizeof options);
    options.rate = 16000;
    options.block_ms = 100;
    options.extra_ms = 300;
    options.seed = 4;
    contentvec_stream_settings_init(&settings, sizeof settings);
    settings.key = 3;
    for (size_t i = 0; i < input.size(); ++i)
      input[i] = 0.3F * std::sin(0.06F * static_cast<float>(i)) * std::sin(0.0011F * static_cast<float>(i));
  }

  static Owned<contentvec_model> load_model() {
    contentvec_model* model = nullptr;
    EXPECT_EQ(contentvec_model_load(test::rvc_synthetic("pipeline-hubert-v2").c_str(), nullptr, &model),
              CONTENTVEC_OK);
    return {model, contentvec_model_free};
  }
  static Owned<contentvec_pitch> load_pitch() {
    contentvec_pitch* pitch = nullptr;
    EXPECT_EQ(contentvec_pitch_load(test::rvc_synthetic("tiny-rmvpe").c_str(), nullptr, &pitch),
              CONTENTVEC_OK);
    return {pitch, contentvec_pitch_free};
  }
  static Owned<contentvec_voice> load_voice(const std::string& config) {
    contentvec_voice* voice = nullptr;
    EXPECT_EQ(contentvec_voice_load(test::rvc_synthetic(config).c_str(), 0, nullptr, &voice), CONTENTVEC_OK);
    return {voice, contentvec_voice_free};
  }
  Owned<contentvec_stream> stream() const {
    contentvec_stream* made = nullptr;
    EXPECT_EQ(
        contentvec_stream_new(model.get(), pitch.get(), voice.get(), nullptr, &options, &settings, &made),
        CONTENTVEC_OK)
        << contentvec_last_error();
    return {made, contentvec_stream_free};
  }

  const Owned<contentvec_model> model = load_model();
  const Owned<contentvec_pitch> pitch = load_pitch();
  const Owned<contentvec_voice> voice = load_voice("tiny-v2-48k");
  contentvec_stream_options options;
  contentvec_stream_settings settings;
  std::vector<float> input = std::vector<float>(9600);
};

TEST_F(CStreamTest, GivesWhatTheCppInterfaceDoes) {
  const Owned<contentvec_stream> own = stream();
  VoiceStream reference(Model::load(test::rvc_synthetic("pipeline-hubert-v2")),
                        PitchEstimator::load(test::rvc_synthetic("tiny-rmvpe")),
                        Voice::load(test::rvc_synthetic("tiny-v2-48k")), std::nullopt,
                        {.rate = 16000, .block_ms = 100, .extra_ms = 300, .seed = 4, .settings = {.key = 3}});
  ASSERT_EQ(contentvec_stream_block(own.get()), reference.block());
  EXPECT_EQ(contentvec_stream_latency(own.get()), reference.latency());
  const auto block = static_cast<size_t>(reference.block());
  std::vector<float> out(block);
  std::vector<float> expected(block);
  for (size_t begin = 0; begin + block <= input.size(); begin += block) {
    if (begin == 3 * block) {
      contentvec_stream_settings changed = settings;
      changed.key = -4;
      changed.formant = 2;
      changed.denoise_output = 1;
      ASSERT_EQ(contentvec_stream_set_settings(own.get(), &changed), CONTENTVEC_OK);
      reference.set({.key = -4, .formant = 2, .denoise_output = true});
    }
    const std::span<const float> in = std::span(input).subspan(begin, block);
    ASSERT_EQ(contentvec_stream_process(own.get(), in.data(), out.data(), static_cast<int64_t>(block)),
              CONTENTVEC_OK)
        << contentvec_last_error();
    ASSERT_EQ(reference.process(in, expected), StreamStatus::kOk);
    EXPECT_EQ(out, expected);
  }
  contentvec_stream_stats stats = {};
  stats.size = sizeof stats;
  ASSERT_EQ(contentvec_stream_get_stats(own.get(), &stats), CONTENTVEC_OK);
  EXPECT_EQ(stats.blocks, 6);
  EXPECT_EQ(stats.failed, 0);
  EXPECT_EQ(stats.sola_offset, reference.stats().sola_offset);
  EXPECT_EQ(stats.output_level, reference.stats().output_level);
  EXPECT_GT(stats.p99_ms, 0);
  contentvec_stream_settings now = {};
  now.size = sizeof now;
  ASSERT_EQ(contentvec_stream_get_settings(own.get(), &now), CONTENTVEC_OK);
  EXPECT_EQ(now.key, -4);
  EXPECT_EQ(now.gate_db, -60);
  EXPECT_EQ(now.denoise_input, 0);
  EXPECT_EQ(now.denoise_output, 1);
}

TEST_F(CStreamTest, SpeaksWithAnotherVoice) {
  const Owned<contentvec_stream> own = stream();
  const Owned<contentvec_voice> other = load_voice("tiny-v2-24k-resblock2");
  EXPECT_EQ(contentvec_stream_set_voice(own.get(), other.get(), nullptr), CONTENTVEC_OK);
  std::vector<float> out(1600);
  EXPECT_EQ(contentvec_stream_process(own.get(), input.data(), out.data(), 1600), CONTENTVEC_OK);
  EXPECT_EQ(contentvec_stream_reset(own.get()), CONTENTVEC_OK);
  const Owned<contentvec_voice> of_another_model = load_voice("tiny-v1-40k");
  EXPECT_EQ(contentvec_stream_set_voice(own.get(), of_another_model.get(), nullptr), CONTENTVEC_ERROR);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("layer 9"));
}

TEST_F(CStreamTest, ABlockTakesNoMemory) {
  if (!test::allocations_are_counted()) GTEST_SKIP() << "a sanitizer brings its own operator new";
  const Owned<contentvec_stream> own = stream();
  std::vector<float> out(1600);
  contentvec_stream_process(own.get(), input.data(), out.data(), 1600);
  const size_t before = test::allocation_count();
  contentvec_stream_process(own.get(), input.data(), out.data(), 1600);
  EXPECT_EQ(test::allocation_count() - before, 0U);
}

TEST_F(CStreamTest, EveryMistakeIsAStatus) {
  contentvec_stream* made = nullptr;
  const auto create = [&] {
    return contentvec_stream_new(model.get(), pitch.get(), voice.get(), nullptr, &options, &settings, &made);
  };
  EXPECT_EQ(contentvec_stream_new(model.get(), pitch.get(), voice.get(), nullptr, nullptr, nullptr, nullptr),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_new(nullptr, pitch.get(), voice.get(), nullptr, nullptr, nullptr, &made),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_new(model.get(), pitch.get(), nullptr, nullptr, nullptr, nullptr, &made),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_new(model.get(), nullptr, voice.get(), nullptr, nullptr, nullptr, &made),
            CONTENTVEC_ERROR);
  options.quality = 7;
  EXPECT_EQ(create(), CONTENTVEC_INVALID_ARGUMENT);
  options.quality = CONTENTVEC_STREAM_FAST;
  options.rate = 44101;
  EXPECT_EQ(create(), CONTENTVEC_ERROR);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("44101"));
  options.rate = 44100;
  settings.unvoiced = 9;
  EXPECT_EQ(create(), CONTENTVEC_INVALID_ARGUMENT);
  settings.unvoiced = CONTENTVEC_UNVOICED_KEEP;
  settings.size = 3;
  EXPECT_EQ(create(), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(made, nullptr);
  contentvec_stream_settings_init(&settings, sizeof settings);
  options.rate = 16000;
  const Owned<contentvec_stream> own = stream();
  std::vector<float> out(1600);
  EXPECT_EQ(contentvec_stream_process(nullptr, input.data(), out.data(), 1600), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_process(own.get(), nullptr, out.data(), 1600), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_process(own.get(), input.data(), nullptr, 1600), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_process(own.get(), input.data(), out.data(), -1), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_process(own.get(), input.data(), out.data(), 1599),
            CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_THAT(contentvec_last_error(), HasSubstr("1600"));
  settings.key = 1000;
  EXPECT_EQ(contentvec_stream_set_settings(own.get(), &settings), CONTENTVEC_ERROR);
  EXPECT_EQ(contentvec_stream_set_settings(own.get(), nullptr), CONTENTVEC_INVALID_ARGUMENT);
  contentvec_stream_stats stats = {};
  EXPECT_EQ(contentvec_stream_get_stats(own.get(), &stats), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_get_stats(own.get(), nullptr), CONTENTVEC_INVALID_ARGUMENT);
  EXPECT_EQ(contentvec_stream_block(nullptr), 0);
  EXPECT_EQ(contentvec_stream_latency(nullptr), 0);
  EXPECT_EQ(contentvec_stream_reset(nullptr), CONTENTVEC_INVALID_ARGUMENT);
  contentvec_stream_free(nullptr);
}

}  // namespace
}  // namespace contentvec
