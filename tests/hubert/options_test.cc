// What extract and load refuse, and that they say what was given and what is allowed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include "contentvec/contentvec.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

using test::error_of;
using testing::AllOf;
using testing::HasSubstr;

const Model& tiny() {
  static const Model model = Model::load(test::synthetic("tiny"), {.threads = 1});
  return model;
}

std::vector<float> tone(size_t samples) {
  std::vector<float> waveform(samples);
  for (size_t i = 0; i < samples; ++i) waveform[i] = 0.3F * std::sin(static_cast<float>(i) * 0.05F);
  return waveform;
}

TEST(Load, TheModelSaysItsThreads) {
  EXPECT_EQ(tiny().threads(), 1);
  EXPECT_EQ(Model::load(test::synthetic("tiny"), {.threads = 3}).threads(), 3);
  EXPECT_GE(Model::load(test::synthetic("tiny")).threads(), 1);
}

TEST(Extract, RefusesAWaveformShorterThanOneFrame) {
  EXPECT_THAT(error_of([] { (void)tiny().extract(tone(399)); }), AllOf(HasSubstr("399"), HasSubstr("400")));
  EXPECT_THAT(error_of([] { (void)tiny().extract({}); }), HasSubstr("0 samples"));
  EXPECT_EQ(tiny().extract(tone(400)).frames, 1);
}

TEST(Extract, RefusesSamplesThatAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> waveform = tone(1000);
    waveform[777] = bad;
    EXPECT_THAT(error_of([&] { (void)tiny().extract(waveform); }), HasSubstr("777"));
  }
}

TEST(Extract, EndsWhenPollThrowsAndTheModelStaysUsable) {
  const std::vector<float> waveform = tone(1000);
  const Features expected = tiny().extract(waveform);
  int calls = 0;
  (void)tiny().extract(waveform, {.poll = [&] { ++calls; }});
  EXPECT_EQ(calls, 4);  // the convolutions and three blocks
  for (int last = calls; last > 0; --last) {
    int left = last;
    const auto poll = [&] {
      if (--left == 0) throw std::range_error("stop");
    };
    EXPECT_THROW((void)tiny().extract(waveform, {.poll = poll}), std::range_error);
    EXPECT_EQ(tiny().extract(waveform).data, expected.data);
  }
}

TEST(Extract, KeepsNothingOfPollAfterwards) {
  const auto held = std::make_shared<int>();
  (void)tiny().extract(tone(1000), {.poll = [held] {}});
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Extract, NamesTheUtteranceOfABatchThatIsBad) {
  const std::vector<float> good = tone(1000);
  const std::vector<float> bad = tone(10);
  const std::vector<std::span<const float>> batch = {good, bad};
  EXPECT_THAT(error_of([&] { (void)tiny().extract_batch(batch); }), HasSubstr("utterance 1 of 2"));
}

TEST(Extract, RefusesALayerThatDoesNotExist) {
  EXPECT_THAT(error_of([] { (void)tiny().extract(tone(1000), {.layer = 4}); }),
              AllOf(HasSubstr("4"), HasSubstr("1 to 3")));
  EXPECT_THAT(error_of([] { (void)tiny().extract(tone(1000), {.layer = -2}); }), HasSubstr("-2"));
}

TEST(Extract, RefusesFinalProjWhereThereIsNone) {
  const Model model =
      Model::load((test::oracle() / "checkpoints" / "tiny.mlx.safetensors").string(),
                  {.config = ModelConfig::from_json_file(test::oracle() / "configs" / "tiny.json")});
  EXPECT_EQ(model.config().final_dim, 0);
  EXPECT_THAT(error_of([&] { (void)model.extract(tone(1000), {.final_proj = true}); }),
              HasSubstr("final_proj"));
}

TEST(Extract, RefusesAWrongSpeakerEmbedding) {
  const std::vector<float> embedding(256, 0.1F);
  EXPECT_THAT(error_of([&] { (void)tiny().extract(tone(1000), {.speaker_embedding = embedding}); }),
              HasSubstr("takes none"));
  const Model model = Model::load(test::synthetic("tiny-speaker"));
  EXPECT_THAT(error_of([&] { (void)model.extract(tone(1000)); }),
              AllOf(HasSubstr("256"), HasSubstr("0 were given")));
  EXPECT_THAT(error_of([&] {
                (void)model.extract(tone(1000), {.speaker_embedding = std::span(embedding).first(255)});
              }),
              AllOf(HasSubstr("256"), HasSubstr("255")));
  std::vector<float> infinite = embedding;
  infinite[3] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(error_of([&] { (void)model.extract(tone(1000), {.speaker_embedding = infinite}); }),
              HasSubstr("value 3"));
  EXPECT_EQ(model.extract(tone(1000), {.speaker_embedding = embedding}).dim, 48);
}

TEST(Extract, RefusesAResultThatIsNotFinite) {
  // every sample is finite, but the first convolution's sums are beyond float32
  const std::vector<float> waveform(1000, 3e38F);
  const Model model = Model::load(test::synthetic("tiny-large"));
  const std::string error = error_of([&] { (void)model.extract(waveform, {.normalize = Normalize::kOff}); });
  EXPECT_THAT(error, HasSubstr("frame 0"));
}

TEST(Extract, NormalizesAsTheReferenceDoes) {
  // doing it by hand and switching it off gives the same as switching it on
  std::vector<float> waveform = tone(5000);
  for (float& x : waveform) x = x * 0.02F + 0.1F;
  double mean = 0;
  for (const float x : waveform) mean += static_cast<double>(x);
  mean /= 5000;
  double variance = 0;
  for (const float x : waveform)
    variance += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
  variance /= 5000;
  std::vector<float> by_hand = waveform;
  for (float& x : by_hand)
    x = static_cast<float>((static_cast<double>(x) - mean) / std::sqrt(variance + 1e-5));
  const std::vector<float> on = tiny().extract(waveform, {.normalize = Normalize::kOn}).data;
  EXPECT_EQ(on, tiny().extract(by_hand, {.normalize = Normalize::kOff}).data);
  const std::vector<float> off = tiny().extract(waveform, {.normalize = Normalize::kOff}).data;
  EXPECT_NE(on, off);
  EXPECT_EQ(off, tiny().extract(waveform).data) << "base: off unless the checkpoint says otherwise";
  const Model large = Model::load(test::synthetic("tiny-large"));
  EXPECT_EQ(large.extract(waveform).data, large.extract(waveform, {.normalize = Normalize::kOn}).data)
      << "a LayerNorm frontend: on unless the checkpoint says otherwise";
}

TEST(Extract, SilenceGivesFiniteFeatures) {
  const std::vector<float> silence(16000, 0.0F);
  for (const Normalize normalize : {Normalize::kOn, Normalize::kOff}) {
    EXPECT_EQ(tiny().extract(silence, {.normalize = normalize}).frames, 49);
  }
}

TEST(Load, RefusesAThreadCountThatMakesNoSense) {
  EXPECT_THAT(error_of([] { Model::load("synthetic:base", {.threads = -1}); }), HasSubstr("threads is -1"));
  EXPECT_THAT(error_of([] { Model::load("synthetic:base", {.threads = 100000}); }), HasSubstr("100000"));
}

TEST(Load, SaysWhatASpecMayBe) {
  EXPECT_THAT(error_of([] { Model::load("no/such.pt"); }),
              AllOf(HasSubstr("no/such.pt"), HasSubstr("synthetic:base")));
  EXPECT_THAT(error_of([] { Model::load("synthetic:"); }), HasSubstr("synthetic:base[:SEED]"));
  EXPECT_THAT(error_of([] { Model::load("synthetic:base:x"); }), HasSubstr("seed"));
  EXPECT_THAT(error_of([] { Model::load("synthetic:large"); }), HasSubstr("CONFIG.json"));
  EXPECT_THAT(error_of([] { Model::load("synthetic:/no/such.json"); }), HasSubstr("/no/such.json"));
}

TEST(Load, RefusesAWrongInstructionSet) {
  setenv("CONTENTVEC_ISA", "sse9", 1);
  EXPECT_THAT(error_of([] { Model::load(test::synthetic("tiny")); }), HasSubstr("sse9"));
  unsetenv("CONTENTVEC_ISA");
}

}  // namespace
}  // namespace contentvec
