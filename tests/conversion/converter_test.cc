// The public interface: what goes in, what comes out, what is refused.

#include "contentvec/converter.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <thread>

#include "contentvec/audio.h"
#include "conversion/golden_case.h"
#include "conversion/recording.h"
#include "support.h"

namespace contentvec {
namespace {

using test::error_of;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

struct Parts {
  std::string voice = "tiny-v2-48k";
  std::string model = "pipeline-hubert-v2";
  std::optional<std::string> pitch = "tiny-rmvpe";
  int threads = 2;
};

Converter converter(const Parts& parts = {}) {
  std::optional<PitchEstimator> pitch;
  if (parts.pitch)
    pitch = PitchEstimator::load(test::rvc_synthetic(*parts.pitch), {.threads = parts.threads});
  return {Model::load(test::rvc_synthetic(parts.model), {.threads = parts.threads}), std::move(pitch),
          Voice::load(test::rvc_synthetic(parts.voice), {.threads = parts.threads})};
}

/// A voice's glide, with a breath in the middle.
std::vector<float> glide(double seconds, int rate = 16000) {
  std::vector<float> samples(static_cast<size_t>(seconds * rate));
  double phase = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / rate;
    phase += (140 + 40 * std::sin(2 * t)) / rate;
    double x = 0;
    for (int k = 1; k < 12; ++k) x += std::sin(2 * std::numbers::pi * k * phase) / k;
    const bool breath = std::fmod(t, 0.8) > 0.6;
    samples[i] = static_cast<float>(breath ? 0.01 * std::sin(static_cast<double>(i * i % 9973)) : 0.25 * x);
  }
  return samples;
}

double rms(std::span<const float> samples) {
  double sum = 0;
  for (const float x : samples) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum / static_cast<double>(samples.size()));
}

TEST(Converter, GivesWhatTheRecordingTakes) {
  const Converter convert = converter();
  for (const double seconds : {0.05, 0.3, 1.0, 2.5}) {
    const Converted converted = convert.convert(glide(seconds), 16000);
    EXPECT_EQ(converted.sample_rate, 48000);
    const double missing = seconds * 48000 - static_cast<double>(converted.waveform.size());
    EXPECT_GE(missing, 0) << seconds;
    EXPECT_LE(missing, 0.02 * 48000) << seconds;
    EXPECT_EQ(converted.pitch.f0.size(), static_cast<size_t>(seconds * 100 + 1.001)) << seconds;
    EXPECT_EQ(converted.pitch.confidence.size(), converted.pitch.f0.size());
    EXPECT_GT(rms(converted.waveform), 1e-4) << seconds;
  }
}

TEST(Converter, OneFrameIsTheLeast) {
  const Converter convert = converter();
  EXPECT_EQ(convert.convert(std::vector<float>(400, 0.1F), 16000).waveform.size(), 960U);
  for (const size_t samples : {1U, 2U, 18U, 399U}) {
    EXPECT_THAT(
        error_of([&] { static_cast<void>(convert.convert(std::vector<float>(samples, 0.1F), 16000)); }),
        AllOf(HasSubstr(std::to_string(samples) + " samples"), HasSubstr("400")));
  }
  EXPECT_THAT(error_of([&] { static_cast<void>(convert.convert({}, 16000)); }), HasSubstr("no samples"));
}

TEST(Converter, EveryRateIsTaken) {
  const Converter convert = converter();
  const std::vector<float> expected = convert.convert(glide(1), 16000).waveform;
  for (const int rate : {8000, 44100, 192000}) {
    const Converted converted = convert.convert(glide(1, rate), rate);
    EXPECT_EQ(converted.waveform.size(), expected.size()) << rate;
    EXPECT_EQ(converted.pitch.f0.size(), 101U) << rate;
  }
  for (const int rate : {-1, 0, 1, 999, 1'000'001}) {
    EXPECT_THAT(error_of([&] { static_cast<void>(convert.convert(glide(1), rate)); }),
                HasSubstr("expected 1000 to 1000000"))
        << rate;
  }
}

TEST(Converter, SilenceAndNoiseAreDefined) {
  const Converter convert = converter();
  for (const double rms_mix : {0.0, 1.0}) {
    const ConvertOptions options = {.rms_mix_rate = static_cast<float>(rms_mix)};
    const Converted silent = convert.convert(std::vector<float>(16000, 0.0F), 16000, options);
    for (const float x : silent.waveform) ASSERT_TRUE(std::isfinite(x));
    if (rms_mix == 0) {
      EXPECT_THAT(silent.waveform, Each(0));
    }
  }
  // Nothing is voiced: a threshold that none reaches.
  const Converted unvoiced = convert.convert(glide(1), 16000, {.pitch_threshold = 0.9999});
  EXPECT_THAT(unvoiced.pitch.f0, Each(0));
  EXPECT_GT(rms(unvoiced.waveform), 1e-4);
}

TEST(Converter, ClippedAndLoudRecordingsAreTurnedDown) {
  const Converter convert = converter();
  std::vector<float> loud = glide(1);
  float peak = 0;
  for (const float x : loud) peak = std::max(peak, std::abs(x));
  for (float& x : loud) x *= 0.95F / peak;
  const std::vector<float> expected = convert.convert(loud, 16000).waveform;
  for (float& x : loud) x *= 8;
  const std::vector<float> louder = convert.convert(loud, 16000).waveform;
  ASSERT_EQ(louder.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(louder[i], expected[i], 2e-2) << i;
}

TEST(Converter, WhatIsNoWaveformIsRefused) {
  const Converter convert = converter();
  std::vector<float> bad = glide(0.5);
  bad[7] = std::nanf("");
  EXPECT_THAT(error_of([&] { static_cast<void>(convert.convert(bad, 16000)); }), HasSubstr("sample 7"));
  bad[7] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(error_of([&] { static_cast<void>(convert.convert(bad, 48000)); }), HasSubstr("sample 7"));
}

TEST(Converter, ThreadsAndWhatRanBeforeChangeNoBit) {
  const std::vector<float> recording = glide(1.3);
  const Converter one = converter({.threads = 1});
  const Converted expected = one.convert(recording, 16000);
  static_cast<void>(one.convert(glide(0.4), 16000, {.key = 5}));
  EXPECT_EQ(one.convert(recording, 16000).waveform, expected.waveform);
  const Converter three = converter({.threads = 3});
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back(
        [&] { same += three.convert(recording, 16000).waveform == expected.waveform ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, 2);
}

TEST(Converter, TheSeedIsOfTheNoise) {
  const Converter convert = converter();
  const std::vector<float> recording = glide(0.5);
  const std::vector<float> zero = convert.convert(recording, 16000).waveform;
  EXPECT_EQ(convert.convert(recording, 16000, {.seed = 0}).waveform, zero);
  EXPECT_NE(convert.convert(recording, 16000, {.seed = 1}).waveform, zero);
}

TEST(Converter, OptionsChangeWhatTheySay) {
  const Converter convert = converter();
  const std::vector<float> recording = glide(1);
  const std::vector<float> plain = convert.convert(recording, 16000).waveform;
  const auto with = [&](const ConvertOptions& options) {
    return convert.convert(recording, 16000, options).waveform;
  };
  EXPECT_NE(with({.key = 3}), plain);
  EXPECT_NE(with({.speaker = 1}), plain);
  std::vector<float> gaps(101, 200.0F);
  std::fill(gaps.begin() + 30, gaps.begin() + 50, 0.0F);
  EXPECT_EQ(with({.f0 = gaps}), with({.f0 = std::vector<float>(101, 200.0F)}));
  EXPECT_NE(with({.unvoiced = Unvoiced::kKeep, .f0 = gaps}), with({.f0 = gaps}));
  // Without a retriever there is nothing to protect from, and a short recording has no cuts.
  EXPECT_EQ(with({.index_rate = 0, .protect = 0, .crossfade_ms = 50}), plain);
  for (const double formant : {-5.0, 4.0}) {
    const std::vector<float> shifted = with({.formant = formant});
    EXPECT_EQ(shifted.size(), plain.size()) << formant;
    EXPECT_NE(shifted, plain) << formant;
  }
  const Converted other_rate = convert.convert(recording, 16000, {.output_rate = 44100});
  EXPECT_EQ(other_rate.sample_rate, 44100);
  EXPECT_EQ(other_rate.waveform, resample(plain, 48000, 44100));
  const double as_recorded = rms(with({.rms_mix_rate = 0}));
  EXPECT_NEAR(as_recorded, rms(recording), 0.3 * rms(recording));
}

TEST(Converter, APitchOfTheUsersOwnTakesTheEstimatorsPlace) {
  const Converter convert = converter();
  const std::vector<float> recording = glide(1);
  const Converted estimated = convert.convert(recording, 16000);
  const std::vector<float> flat(101, 200.0F);
  const Converted own = convert.convert(recording, 16000, {.f0 = flat});
  EXPECT_EQ(own.pitch.f0, flat);
  EXPECT_THAT(own.pitch.confidence, IsEmpty());
  EXPECT_NE(own.waveform, estimated.waveform);
  // One more or less is how programs differ; the last is then left, or held.
  EXPECT_EQ(convert.convert(recording, 16000, {.f0 = std::vector<float>(100, 200.0F)}).waveform,
            own.waveform);
  EXPECT_EQ(convert.convert(recording, 16000, {.f0 = std::vector<float>(102, 200.0F)}).waveform,
            own.waveform);
  for (const size_t count : {99U, 103U}) {
    EXPECT_THAT(
        error_of([&] {
          static_cast<void>(convert.convert(recording, 16000, {.f0 = std::vector<float>(count, 200.0F)}));
        }),
        AllOf(HasSubstr(std::to_string(count) + " values"), HasSubstr("101 frames")));
  }
  // It needs no estimator.
  const Converter without = converter({.pitch = std::nullopt});
  EXPECT_EQ(without.convert(recording, 16000, {.f0 = flat}).waveform, own.waveform);
  EXPECT_THAT(error_of([&] { static_cast<void>(without.convert(recording, 16000)); }),
              HasSubstr("pitch estimator"));
}

TEST(Converter, ThePitchThatIsFoundCanBeGivenBack) {
  const Converter convert = converter({});
  const std::vector<float> recording = glide(0.7);
  const Converted expected = convert.convert(recording, 16000, {.key = 2, .seed = 3});
  const Pitch pitch = convert.estimate_pitch(recording, 16000);
  EXPECT_EQ(pitch.f0, expected.pitch.f0);
  EXPECT_EQ(pitch.confidence, expected.pitch.confidence);
  EXPECT_EQ(convert.convert(recording, 16000, {.key = 2, .f0 = pitch.f0, .seed = 3}).pitch.f0, pitch.f0);
  EXPECT_THAT(error_of([&] { (void)converter({.pitch = std::nullopt}).estimate_pitch(recording, 16000); }),
              HasSubstr("pitch estimator"));
}

TEST(Converter, APitchOfTheUsersOwnIsMirroredAsTheRecordingIs) {
  const conversion::Pipeline pipeline(Model::load(test::rvc_synthetic("pipeline-hubert-v2")), {},
                                      Voice::load(test::rvc_synthetic("tiny-v2-48k")), {});
  std::vector<float> rising(51);
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = 100 + static_cast<float>(i);
  std::vector<float> padded;
  conversion::Seams seams;
  seams.observe = [&](int64_t, std::string_view stage, std::span<const float> values) {
    if (stage == "f0_raw") padded.assign(values.begin(), values.end());
  };
  static_cast<void>(pipeline.convert(glide(0.5), 16000, {.f0 = rising}, seams));
  ASSERT_EQ(padded.size(), 251U);
  for (size_t i = 0; i < 51; ++i) {
    EXPECT_EQ(padded[100 + i], rising[i]) << i;
    EXPECT_EQ(padded[100 - i], rising[i]) << i;
    EXPECT_EQ(padded[150 + i], rising[50 - i]) << i;
  }
  EXPECT_EQ(padded[0], rising[0]);  // there and back
}

TEST(Converter, AVoiceGetsTheFeaturesThatItTakes) {
  const test::TemporaryFolder folder;
  const auto changed = [&](const char* name, const char* field, const nlohmann::json& value) {
    nlohmann::json config = test::read_json(test::oracle_rvc() / "configs" / (std::string(name) + ".json"));
    config[field] = value;
    test::write_file(folder / (std::string(field) + ".json"), config.dump());
    return "synthetic:" + (folder / (std::string(field) + ".json")).string();
  };
  const std::string applios = changed("tiny-v1-40k", "last_layer", true);
  const Model model = Model::load(changed("pipeline-hubert-v1", "encoder_layers", 12));
  const std::vector<float> sound = glide(0.5);
  const auto features = [&](const std::string& voice) {
    const conversion::Pipeline pipeline(model, {}, Voice::load(voice), {});
    std::vector<float> taken;
    conversion::Seams seams;
    seams.observe = [&](int64_t, std::string_view stage, std::span<const float> values) {
      if (stage == "feats") taken.assign(values.begin(), values.end());
    };
    static_cast<void>(pipeline.convert(sound, 16000, {.f0 = std::vector<float>(51, 200.0F)}, seams));
    return taken;
  };
  const conversion::Recording recording(sound, 16000);
  const auto of_layer = [&](int layer) {
    return model.extract(recording.padded(), {.layer = layer, .final_proj = true}).data;
  };
  EXPECT_EQ(features(test::rvc_synthetic("tiny-v1-40k")), of_layer(9));
  EXPECT_EQ(features(applios), of_layer(12));
  const Model without = Model::load(changed("pipeline-hubert-v1", "final_dim", 0));
  EXPECT_THAT(error_of([&] { Converter(without, {}, Voice::load(applios)); }),
              AllOf(HasSubstr("final_proj, which"), HasSubstr("rvc-hubert-base")));
}

TEST(Converter, AVoiceWithoutPitchTakesNone) {
  const Converter convert = converter({.voice = "tiny-v2-32k-nono", .pitch = std::nullopt});
  const Converted converted = convert.convert(glide(1), 16000);
  EXPECT_EQ(converted.sample_rate, 32000);
  EXPECT_THAT(converted.pitch.f0, IsEmpty());
  EXPECT_EQ(converter({.voice = "tiny-v2-32k-nono"}).convert(glide(1), 16000, {.key = 7}).waveform,
            converted.waveform);
}

TEST(Converter, ALongRecordingIsConvertedInPieces) {
  const Converter convert = converter({.voice = "tiny-v2-24k-resblock2"});
  const std::vector<float> recording = glide(42);
  double last = 0;
  int calls = 0;
  const Converted hard = convert.convert(recording, 16000, {.progress = [&](double done) {
                                           EXPECT_GE(done, last);
                                           EXPECT_LE(done, 1);
                                           last = done;
                                           ++calls;
                                         }});
  EXPECT_EQ(last, 1);
  EXPECT_GT(calls, 10);
  // Up to two frames are lost at the cut and at the end, as in RVC; with a crossfade at the end alone.
  const auto missing = [&](const Converted& converted) {
    return 4200 - static_cast<int64_t>(converted.waveform.size()) / 240;
  };
  EXPECT_GE(missing(hard), 0);
  EXPECT_LE(missing(hard), 4);
  const Converted faded = convert.convert(recording, 16000, {.crossfade_ms = 60});
  EXPECT_GE(missing(faded), 0);
  EXPECT_LE(missing(faded), 2);
  EXPECT_TRUE(std::equal(hard.waveform.begin(), hard.waveform.begin() + 31 * 24000, faded.waveform.begin()));
}

TEST(Converter, BehindTheLastCutThereMayBeLessThanAFrame) {
  const conversion::Pipeline pipeline(Model::load(test::rvc_synthetic("pipeline-hubert-v2")), {},
                                      Voice::load(test::rvc_synthetic("tiny-v2-32k-nono")), {});
  std::vector<float> recording = glide(2);
  std::fill(recording.end() - 300, recording.end(), 0.0F);
  conversion::Seams seams;
  seams.cuts = {.every = 20000, .search = 15000, .longest = 16000};
  int pieces = 0;
  seams.observe = [&](int64_t, std::string_view stage, std::span<const float> values) {
    if (stage == "audio") pieces += values.empty() ? 0 : 1;
  };
  for (const double crossfade : {0.0, 60.0}) {
    const Converted converted = pipeline.convert(recording, 16000, {.crossfade_ms = crossfade}, seams);
    EXPECT_GT(converted.waveform.size(), 2U * 32000 - 5 * 320) << crossfade;
    EXPECT_LE(converted.waveform.size(), 2U * 32000) << crossfade;
  }
  EXPECT_EQ(pieces, 1 + 2);  // a crossfade keeps a margin, in which there is something
}

TEST(Converter, ProgressCanEndAConversion) {
  const Converter convert = converter();
  const ConvertOptions options = {.progress = [](double done) {
    if (done > 0.3) throw std::runtime_error("stop");
  }};
  EXPECT_THROW(static_cast<void>(convert.convert(glide(1), 16000, options)), std::runtime_error);
}

TEST(Converter, OptionsOutOfRangeAreNamed) {
  const Converter convert = converter();
  const std::vector<float> recording = glide(0.5);
  const auto error = [&](const ConvertOptions& options) {
    return error_of([&] { static_cast<void>(convert.convert(recording, 16000, options)); });
  };
  const double nan = std::nan("");
  EXPECT_THAT(error({.key = nan}), HasSubstr("key"));
  EXPECT_THAT(error({.key = 49}), HasSubstr("-48 to 48"));
  EXPECT_THAT(error({.speaker = 3}), AllOf(HasSubstr("speaker 3"), HasSubstr("has 3")));
  EXPECT_THAT(error({.speaker = -1}), HasSubstr("speaker -1"));
  EXPECT_THAT(error({.index_rate = 1.5F}), HasSubstr("index rate"));
  EXPECT_THAT(error({.nprobe = -1}), HasSubstr("nprobe"));
  EXPECT_THAT(error({.protect = 0.6F}), HasSubstr("protection"));
  EXPECT_THAT(error({.rms_mix_rate = -0.1F}), HasSubstr("loudness"));
  EXPECT_THAT(error({.pitch_threshold = 2}), HasSubstr("threshold"));
  EXPECT_THAT(error({.f0 = std::vector<float>(51, -1.0F)}), HasSubstr("value 0 of the pitch"));
  EXPECT_THAT(error({.f0 = std::vector<float>(51, std::nanf(""))}), HasSubstr("value 0 of the pitch"));
  EXPECT_THAT(error({.formant = 25}), HasSubstr("formant"));
  EXPECT_THAT(error({.crossfade_ms = 501}), HasSubstr("crossfade"));
  EXPECT_THAT(error({.output_rate = 999}), HasSubstr("output rate"));
}

TEST(Converter, PartsThatDoNotFitAreNamed) {
  const auto error = [](const std::string& model, const std::string& voice) {
    return error_of([&] { converter({.voice = voice, .model = model}); });
  };
  EXPECT_THAT(error("pipeline-hubert-v2", "tiny-v1-40k"),
              AllOf(HasSubstr("tiny-v1-40k"), HasSubstr("layer 9")));
  EXPECT_THAT(error("pipeline-hubert-v1", "tiny-v2-48k"), HasSubstr("768"));
  const std::string conditioned = "synthetic:" + (test::oracle() / "configs" / "tiny-speaker.json").string();
  EXPECT_THAT(error_of([&] {
                Converter(Model::load(conditioned), {}, Voice::load(test::rvc_synthetic("tiny-v2-48k")));
              }),
              HasSubstr("speaker"));
  if (!test::has_faiss()) GTEST_SKIP() << "this build reads no indexes";
  const Retriever narrow = Retriever::build(std::vector<float>(40 * 4, 0.5F), 4);
  EXPECT_THAT(error_of([&] {
                Converter(Model::load(test::rvc_synthetic("pipeline-hubert-v2")), {},
                          Voice::load(test::rvc_synthetic("tiny-v2-48k")), narrow);
              }),
              AllOf(HasSubstr("vectors of 4"), HasSubstr("768")));
}

}  // namespace
}  // namespace contentvec
