#include "contentvec/voice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

#include "synthesizer/noise.h"
#include "synthesizer/oracle_voice.h"

namespace contentvec::synthesizer {
namespace {

using ::testing::HasSubstr;

std::string voice_spec(const std::string& config) {
  return "synthetic:" + (test::oracle_rvc() / "configs" / (config + ".json")).string();
}

Voice tiny_voice(int threads = 2) {
  return Voice::load(voice_spec("tiny-v2-48k"), {.threads = threads});
}

/// An input of made-up features for a voice of 768 values and a pitch.
struct MadeUpInput {
  explicit MadeUpInput(int64_t frames) : features(static_cast<size_t>(frames * 768)) {
    NormalStream("features", 0).fill(0, features);
    for (int64_t frame = 0; frame < frames; ++frame)
      f0.push_back(frame % 11 < 3 ? 0.0F : 180.0F + static_cast<float>(frame % 37));
    input.features = features;
    input.f0 = f0;
  }
  MadeUpInput(const MadeUpInput&) = delete;
  MadeUpInput& operator=(const MadeUpInput&) = delete;

  std::vector<float> features;
  std::vector<float> f0;
  VoiceInput input;
};

TEST(Voice, GivesTheReferencesSamples) {
  for (const char* name :
       {"tiny-v2-48k.6", "tiny-v1-48k-5ups.12", "tiny-v2-32k-nono.61.realtime-formant-up"}) {
    const VoiceGolden golden(name);
    const Voice voice = Voice::load(voice_spec(golden.file.metadata.at("config")), {.threads = 2});
    EXPECT_LE(test::max_abs_error(voice.synthesize(golden.input), golden.file.arrays.at("audio").values),
              golden.file.tolerance("audio"))
        << name;
  }
}

TEST(Voice, SaysWhatItIs) {
  const Voice voice = tiny_voice();
  EXPECT_EQ(voice.threads(), 2);
  EXPECT_EQ(voice.info().version, "v2");
  EXPECT_EQ(voice.info().sample_rate, 48000);
  EXPECT_EQ(voice.info().feature_dim, 768);
  EXPECT_EQ(voice.info().samples_per_frame, 480);
  EXPECT_EQ(voice.info().speakers, 3);
  EXPECT_TRUE(voice.info().pitch);
  EXPECT_EQ(voice.info().stage, (Stage{.layer = kModelOutput}));
  const Voice first_version = Voice::load(voice_spec("tiny-v1-40k"));
  EXPECT_EQ(first_version.info().stage, (Stage{.layer = 9, .final_proj = true}));
  EXPECT_FALSE(Voice::load(voice_spec("tiny-v2-32k-nono")).info().pitch);
}

TEST(Voice, ThreadsAndWhatRanBeforeChangeNoBit) {
  const MadeUpInput made_up(150);
  const std::vector<float> alone = tiny_voice(1).synthesize(made_up.input);
  EXPECT_EQ(alone.size(), 150U * 480U);
  const Voice voice = tiny_voice(3);
  EXPECT_EQ(voice.synthesize(made_up.input), alone);
  const MadeUpInput other(70);
  const std::vector<float> of_other = voice.synthesize(other.input);
  EXPECT_EQ(voice.synthesize(made_up.input), alone);
  std::vector<float> results[2];
  {
    std::thread first([&] { results[0] = voice.synthesize(made_up.input); });
    results[1] = voice.synthesize(other.input);
    first.join();
  }
  EXPECT_EQ(results[0], alone);
  EXPECT_EQ(results[1], of_other);
}

TEST(Voice, TheNoiseIsTheSeeds) {
  const Voice voice = tiny_voice();
  MadeUpInput made_up(20);
  VoiceInput& input = made_up.input;
  input.seed = 5;
  const std::vector<float> of_seed = voice.synthesize(input);
  input.seed = 6;
  EXPECT_NE(voice.synthesize(input), of_seed);
  input.piece = 2;
  const std::vector<float> of_piece = voice.synthesize(input);

  std::vector<float> latent(20 * 16);
  std::vector<float> source(20 * 480);
  NormalStream("noise.z", 5).fill(0, latent);
  NormalStream("noise.source", 5).fill(0, source);
  input.latent_noise = latent;
  input.source_noise = source;
  EXPECT_EQ(voice.synthesize(input), of_seed);
  NormalStream("noise.z.2", 6).fill(0, latent);
  NormalStream("noise.source.2", 6).fill(0, source);
  EXPECT_EQ(voice.synthesize(input), of_piece);
}

TEST(Voice, WithoutPitchAndWithoutSoundItGivesSamples) {
  const Voice voice = tiny_voice();
  for (const int64_t frames : {1, 2, 30}) {
    const std::vector<float> features(static_cast<size_t>(frames * 768));
    const std::vector<float> f0(static_cast<size_t>(frames));
    VoiceInput input;
    input.features = features;
    input.f0 = f0;
    const std::vector<float> audio = voice.synthesize(input);
    ASSERT_EQ(audio.size(), static_cast<size_t>(frames * 480));
    for (const float sample : audio) ASSERT_LE(std::abs(sample), 1.0F);
    EXPECT_NE(audio.front(), audio.back());  // there is noise
  }
}

TEST(Voice, AllFramesAreThoseFromTheFirstOn) {
  const Voice voice = tiny_voice();
  MadeUpInput made_up(20);
  const std::vector<float> all = voice.synthesize(made_up.input);
  made_up.input.keep_frames = 20;
  made_up.input.stretch_to = 20;
  EXPECT_EQ(voice.synthesize(made_up.input), all);
  made_up.input.skip_frames = 7;
  made_up.input.keep_frames = -1;
  made_up.input.stretch_to = -1;
  EXPECT_EQ(voice.synthesize(made_up.input).size(), 13U * 480U);
  made_up.input.stretch_to = 26;
  EXPECT_EQ(voice.synthesize(made_up.input).size(), 26U * 480U);
}

TEST(Voice, WhatIsDroppedChangesNoBitOfTheRest) {
  const Voice voice = tiny_voice();
  MadeUpInput made_up(150);
  const std::vector<float> all = voice.synthesize(made_up.input);
  for (const auto& [first, last] : {std::pair{1, 0}, {0, 1}, {37, 50}, {149, 0}, {70, 79}}) {
    made_up.input.drop_first = first;
    made_up.input.drop_last = last;
    const std::vector<float> expected(all.begin() + first * 480, all.end() - last * 480);
    EXPECT_EQ(voice.synthesize(made_up.input), expected) << first << " " << last;
  }
}

TEST(Voice, ProgressIsToldAndMayEndIt) {
  const Voice voice = tiny_voice();
  MadeUpInput made_up(300);
  std::vector<double> told;
  made_up.input.progress = [&](double done) { told.push_back(done); };
  const std::vector<float> audio = voice.synthesize(made_up.input);
  ASSERT_GE(told.size(), 3U);
  EXPECT_EQ(told.front(), 0);
  EXPECT_EQ(told.back(), 1);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  made_up.input.progress = [](double done) {
    if (done > 0) throw std::runtime_error("enough");
  };
  EXPECT_THROW((void)voice.synthesize(made_up.input), std::runtime_error);
  made_up.input.progress = {};
  EXPECT_EQ(voice.synthesize(made_up.input), audio);
}

/// The error for an input that `change` spoils.
template <typename Change>
std::string complaint_about_input(const Change& change, const std::string& config = "tiny-v2-48k") {
  const Voice voice = Voice::load(voice_spec(config), {.threads = 1});
  MadeUpInput made_up(10);
  change(made_up);
  return test::error_of([&] { (void)voice.synthesize(made_up.input); });
}

TEST(Voice, EveryWrongInputIsRefused) {
  EXPECT_THAT(complaint_about_input([](auto& m) { m.input.features = {}; }),
              HasSubstr("expected one frame or more of 768"));
  EXPECT_THAT(complaint_about_input([](auto& m) { m.input.features = std::span(m.features).first(767); }),
              HasSubstr("the features hold 767 values"));
  EXPECT_THAT(complaint_about_input([](auto& m) { m.features[9] = std::numeric_limits<float>::quiet_NaN(); }),
              HasSubstr("value 9 of the features is nan"));
  EXPECT_THAT(complaint_about_input([](auto& m) { m.input.f0 = {}; }),
              HasSubstr("f0 has 0 values for 10 frames"));
  EXPECT_THAT(complaint_about_input([](auto& m) { m.f0[3] = std::numeric_limits<float>::infinity(); }),
              HasSubstr("value 3 of f0 is inf"));
  EXPECT_THAT(complaint_about_input([](auto& m) { m.f0[3] = -1; }), HasSubstr("f0 is -1 Hz in frame 3"));
  EXPECT_THAT(complaint_about_input([](auto&) {}, "tiny-v2-32k-nono"), HasSubstr("takes no pitch"));
  EXPECT_THAT(complaint_about_input([](auto& m) { m.input.speaker = 3; }),
              HasSubstr("there is no speaker 3"));
  EXPECT_THAT(complaint_about_input([](auto& m) { m.input.speaker = -1; }),
              HasSubstr("there is no speaker -1"));
}

TEST(Voice, EveryWrongNumberIsRefused) {
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  for (const int64_t skip : {int64_t{-1}, int64_t{10}, kLargest}) {
    EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.skip_frames = skip; }),
                HasSubstr("are to be skipped"));
  }
  for (const int64_t keep : {int64_t{-2}, int64_t{0}, int64_t{8}, kLargest}) {
    EXPECT_THAT(complaint_about_input([&](auto& m) {
                  m.input.skip_frames = 3;
                  m.input.keep_frames = keep;
                }),
                HasSubstr("expected 1 to the 7 from frame 3 on"));
  }
  for (const int64_t stretch : {int64_t{-2}, int64_t{0}, int64_t{161}, kLargest}) {
    EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.stretch_to = stretch; }),
                HasSubstr("expected 1 to 160"));
  }
  EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.drop_first = 10; }),
              HasSubstr("10 and 0 of 10 frames"));
  EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.drop_first = m.input.drop_last = 5; }),
              HasSubstr("at least one must be left"));
  EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.drop_last = -1; }), HasSubstr("0 and -1"));
  EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.drop_last = kLargest; }), HasSubstr("dropped"));
  for (const double times : {0.0, 17.0, -1.0, std::nan("")})
    EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.source_pitch = times; }), HasSubstr("times f0"));
  const std::vector<float> noise(4800, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.latent_noise = noise; }),
              HasSubstr("the latent noise has 4800 values; this synthesis takes 160"));
  EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.source_noise = std::span(noise).first(5); }),
              HasSubstr("the source noise has 5 values; this synthesis takes 4800"));
  EXPECT_THAT(complaint_about_input([&](auto& m) { m.input.source_noise = noise; }),
              HasSubstr("value 0 of the source noise is nan"));
}

TEST(Voice, FeaturesThatOverflowAreAnError) {
  EXPECT_THAT(complaint_about_input([](auto& m) { std::fill(m.features.begin(), m.features.end(), 3e38F); }),
              HasSubstr("its weights overflow float32"));
}

}  // namespace
}  // namespace contentvec::synthesizer
