#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <random>

#include "checkpoint/checkpoint.h"
#include "contentvec/pitch.h"
#include "f0/estimator.h"
#include "f0/fcpe.h"
#include "f0/rmvpe.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

using test::sweep;
using testing::AllOf;
using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

void expect_f0(const PitchEstimator& estimator, const std::string& golden_name) {
  const test::RvcGolden golden = test::read_rvc_golden(golden_name);
  const std::vector<float>& f0 = golden.arrays.at("f0").values;
  const Pitch pitch = estimator.estimate(golden.arrays.at("waveform").values);
  ASSERT_EQ(pitch.f0.size(), f0.size());
  ASSERT_EQ(pitch.confidence.size(), f0.size());
  const std::vector<float>& salience = golden.arrays.at("salience").values;
  for (size_t frame = 0; frame < f0.size(); ++frame) {
    EXPECT_NEAR(pitch.f0[frame], f0[frame], 1e-4 * static_cast<double>(f0[frame])) << frame;
    const auto row = salience.begin() + static_cast<std::ptrdiff_t>(frame * 360);
    EXPECT_NEAR(pitch.confidence[frame], *std::max_element(row, row + 360), 2e-5) << frame;
  }
}

TEST(PitchEstimator, GivesTheReferencesPitch) {
  const PitchEstimator rmvpe = PitchEstimator::load(test::rvc_synthetic("tiny-rmvpe"));
  EXPECT_EQ(rmvpe.method(), PitchMethod::kRmvpe);
  EXPECT_EQ(rmvpe.least_samples(), 513);
  expect_f0(rmvpe, "tiny-rmvpe.600");
  expect_f0(rmvpe, "tiny-rmvpe.5119");
  const PitchEstimator fcpe = PitchEstimator::load(test::rvc_synthetic("tiny-fcpe"));
  EXPECT_EQ(fcpe.method(), PitchMethod::kFcpe);
  expect_f0(fcpe, "tiny-fcpe.300");
  expect_f0(fcpe, "tiny-fcpe.16000");
}

/// Of the oracle: as users have them.
TEST(PitchEstimator, OpensTheFilesThatPeopleHave) {
  const std::filesystem::path folder = test::oracle_rvc() / "checkpoints";
  if (!std::filesystem::exists(folder / "tiny-rmvpe.pt")) GTEST_SKIP() << "there is no ../shared/oracle-rvc";
  expect_f0(PitchEstimator::load((folder / "tiny-fcpe.pt").string()), "tiny-fcpe.300");
  // In float16, as released.
  const test::RvcGolden golden = test::read_rvc_golden("tiny-rmvpe.5119");
  const Pitch pitch =
      PitchEstimator::load((folder / "tiny-rmvpe.pt").string()).estimate(golden.arrays.at("waveform").values);
  const std::vector<float>& f0 = golden.arrays.at("f0").values;
  for (size_t frame = 0; frame < f0.size(); ++frame)
    EXPECT_NEAR(pitch.f0[frame], f0[frame], 0.02 * static_cast<double>(f0[frame])) << frame;
}

TEST(PitchEstimator, AnotherKindOfFileIsNamed) {
  const auto error = [](const std::string& spec) {
    return test::error_of([&] { PitchEstimator::load(spec); });
  };
  EXPECT_THAT(error((test::oracle() / "checkpoints" / "tiny.fairseq.pt").string()),
              AllOf(HasSubstr("a pitch estimator"), HasSubstr("found a speech model")));
  const test::TemporaryFolder folder;
  const auto file_with = [&](const std::vector<std::string>& names) {
    std::map<std::string, test::Reference> tensors;
    for (const std::string& name : names) tensors[name] = {{1}, {1.0F}};
    test::write_tensors(folder / "m.safetensors", tensors);
    return (folder / "m.safetensors").string();
  };
  EXPECT_THAT(error(file_with({"enc_p.emb_phone.weight", "dec.conv_pre.weight"})), HasSubstr("an RVC voice"));
  EXPECT_THAT(error(file_with({"input_stack.0.weight", "net.encoder_layers.0.attn.to_q.weight"})),
              HasSubstr("attention layers"));
  EXPECT_THAT(error(file_with({"unet.encoder.bn.weight"})),
              AllOf(HasSubstr("recognised as RMVPE"), HasSubstr("unet.encoder.bn.bias [1] is missing"),
                    HasSubstr("more")));
  EXPECT_THAT(error("synthetic:base"), HasSubstr("synthetic:CONFIG.json"));
  EXPECT_THAT(error("synthetic:" + (test::oracle() / "configs" / "tiny.json").string()),
              HasSubstr("\"kind\""));
  EXPECT_THAT(error("synthetic:/nowhere.json"), HasSubstr("/nowhere.json"));
}

TEST(PitchEstimator, AConfigurationsSizesAreNotBelieved) {
  const test::TemporaryFolder folder;
  const auto error = [&](const std::string& config) {
    test::write_file(folder / "c.json", config);
    return test::error_of([&] { PitchEstimator::load("synthetic:" + (folder / "c.json").string()); });
  };
  EXPECT_THAT(error(R"({"kind": "rmvpe", "gru_hidden": 1000000000})"),
              AllOf(HasSubstr("gru_hidden"), HasSubstr("4096")));
  EXPECT_THAT(error(R"({"kind": "rmvpe", "n_blocks": 4096})"), HasSubstr("1 to 64"));
  EXPECT_THAT(error(R"({"kind": "rmvpe", "en_out_channels": 4096})"),
              HasSubstr("expected at most 268435456"));
}

/// FCPE's tensors with some of them changed.
class ForgedFcpe : public testing::Test {
 protected:
  ForgedFcpe() {
    for (const tensors::Synthetic& made : f0::fcpe_tensors({.hidden = 8, .layers = 1}))
      tensors_[made.tensor.name] = {made.tensor.shape, test::read(made.as_tensor("synthetic", 0))};
  }
  void estimate() const {
    test::write_tensors(folder_ / "fcpe.safetensors", tensors_);
    static_cast<void>(PitchEstimator::load((folder_ / "fcpe.safetensors").string()).estimate(sweep(16000)));
  }
  [[nodiscard]] std::string error() const {
    return test::error_of([this] { estimate(); });
  }
  std::map<std::string, test::Reference> tensors_;
  test::TemporaryFolder folder_;
};

TEST_F(ForgedFcpe, ATableOfCentsIsChecked) {
  EXPECT_NO_THROW(estimate());
  tensors_["cent_table"] = {{360}, std::vector<float>(360, 3000)};
  EXPECT_NO_THROW(estimate());
  tensors_["cent_table"] = {{4}, std::vector<float>(4, 3000)};
  EXPECT_THAT(error(), AllOf(HasSubstr("cent_table"), HasSubstr("[360]"), HasSubstr("[4]")));
  tensors_["cent_table"] = {{360}, std::vector<float>(360, 1e30F)};
  EXPECT_THAT(error(), AllOf(HasSubstr("cent_table"), HasSubstr("0 to 14400")));
}

TEST_F(ForgedFcpe, FourGroupsShareTheChannels) {
  for (auto& [name, tensor] : tensors_) {
    for (int64_t& size : tensor.shape) size = size % 8 == 0 && size < 64 ? size / 8 * 6 : size;
    size_t count = 1;
    for (const int64_t size : tensor.shape) count *= static_cast<size_t>(size);
    tensor.values.resize(count);
  }
  EXPECT_THAT(error(), AllOf(HasSubstr("do not fit it"), HasSubstr("[6, 128, 3]")));
}

/// Each layer's blocks are counted on the first layer: so many of both would be a table of millions of rows.
TEST(PitchEstimator, ManyBlocksInManyLayersAreRefused) {
  const test::TemporaryFolder folder;
  std::map<std::string, test::Reference> tensors = {{"unet.encoder.bn.weight", {{1}, {1.0F}}}};
  for (int i = 0; i < 2000; ++i) {
    const std::string number = std::to_string(i);
    tensors["unet.encoder.layers.0.conv." + number + ".conv.0.weight"] = {{1}, {1.0F}};
    tensors["unet.intermediate.layers." + number + ".conv.0.conv.0.weight"] = {{1}, {1.0F}};
  }
  test::write_tensors(folder / "m.safetensors", tensors);
  EXPECT_THAT(test::error_of([&] { PitchEstimator::load((folder / "m.safetensors").string()); }),
              HasSubstr("more than 64"));
}

TEST(PitchEstimator, ThreadsAndWhatRanBeforeChangeNoBit) {
  for (const char* config : {"tiny-rmvpe", "tiny-fcpe"}) {
    const PitchEstimator one = PitchEstimator::load(test::rvc_synthetic(config), {.threads = 1});
    const Pitch expected = one.estimate(sweep(20000));
    static_cast<void>(one.estimate(sweep(3000)));
    EXPECT_EQ(one.estimate(sweep(20000)).f0, expected.f0) << config;
    const PitchEstimator three = PitchEstimator::load(test::rvc_synthetic(config), {.threads = 3});
    EXPECT_EQ(three.estimate(sweep(20000)).f0, expected.f0) << config;
    EXPECT_EQ(three.estimate(sweep(20000)).confidence, expected.confidence) << config;
  }
}

TEST(PitchEstimator, OptionsAndWaveformsAreChecked) {
  const PitchEstimator rmvpe = PitchEstimator::load(test::rvc_synthetic("tiny-rmvpe"));
  EXPECT_THAT(test::error_of([&] { static_cast<void>(rmvpe.estimate(sweep(512))); }),
              HasSubstr("at least 513"));
  EXPECT_EQ(rmvpe.estimate(sweep(513)).f0.size(), 4U);
  std::vector<float> bad = sweep(600);
  bad[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(test::error_of([&] { static_cast<void>(rmvpe.estimate(bad)); }), HasSubstr("sample 7"));
  for (const double threshold : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_THAT(
        test::error_of([&] { static_cast<void>(rmvpe.estimate(sweep(600), {.threshold = threshold})); }),
        HasSubstr("threshold"));
  }
  EXPECT_THAT(rmvpe.estimate(sweep(600), {.threshold = 0.9999}).f0, Each(0));
  EXPECT_THAT(
      test::error_of([&] { PitchEstimator::load(test::rvc_synthetic("tiny-rmvpe"), {.threads = -1}); }),
      HasSubstr("threads"));
  EXPECT_THAT(test::error_of(
                  [&] { PitchEstimator::load(test::rvc_synthetic("tiny-rmvpe"), {.dtype = DType::kF16}); }),
              HasSubstr("float16"));
}

struct Sound {
  std::string name;
  std::function<float(size_t sample)> at;
};

/// What a program may hand in: a pitch of some kind, and never anything that is none.
class AnySoundTest : public testing::TestWithParam<Sound> {};

TEST_P(AnySoundTest, GivesAPitchOrNone) {
  for (const char* config : {"tiny-rmvpe", "tiny-fcpe"}) {
    const PitchEstimator estimator = PitchEstimator::load(test::rvc_synthetic(config));
    for (const size_t samples : {size_t{1}, size_t{159}, size_t{512}, size_t{513}, size_t{16000}}) {
      if (static_cast<int64_t>(samples) < estimator.least_samples()) continue;
      std::vector<float> waveform(samples);
      for (size_t i = 0; i < samples; ++i) waveform[i] = GetParam().at(i);
      const Pitch pitch = estimator.estimate(waveform);
      EXPECT_EQ(pitch.f0.size(), samples / 160 + 1) << config;
      EXPECT_THAT(pitch.f0, Each(AnyOf(0.0F, AllOf(Ge(30.0F), Le(2100.0F))))) << config << " " << samples;
      EXPECT_THAT(pitch.confidence, Each(AllOf(Ge(0.0F), Le(1.0F)))) << config << " " << samples;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sounds, AnySoundTest,
    testing::Values(Sound{"silence", [](size_t) { return 0.0F; }},
                    Sound{"negative_zero", [](size_t) { return -0.0F; }},
                    Sound{"constant", [](size_t) { return 0.7F; }},
                    Sound{"denormal", [](size_t i) { return i % 2 == 0 ? 1e-42F : -1e-42F; }},
                    Sound{"noise",
                          [](size_t i) { return static_cast<float>(i * 7919 % 1009) / 504.5F - 1.0F; }},
                    Sound{"clipped", [](size_t i) { return i / 40 % 2 == 0 ? 1.0F : -1.0F; }},
                    Sound{"impulse", [](size_t i) { return i == 0 ? 1.0F : 0.0F; }},
                    Sound{"very_loud", [](size_t i) { return i / 40 % 2 == 0 ? 1e30F : -1e30F; }},
                    Sound{"loudest", [](size_t i) { return i / 40 % 2 == 0 ? 3.4e38F : -3.4e38F; }}),
    [](const auto& test) { return test.param.name; });

TEST(PitchEstimator, PollAndProgressCanEndAnEstimate) {
  for (const char* config : {"tiny-rmvpe", "tiny-fcpe"}) {
    const PitchEstimator estimator = PitchEstimator::load(test::rvc_synthetic(config));
    int polls = 0;
    const PitchOptions polled = {.poll = [&] { ++polls == 3 ? throw std::runtime_error("stop") : void(); }};
    EXPECT_THROW(static_cast<void>(estimator.estimate(sweep(3000), polled)), std::runtime_error) << config;
    std::vector<int64_t> seen;
    const PitchOptions told = {.progress = [&](int64_t done, int64_t total) { seen = {done, total}; }};
    EXPECT_EQ(estimator.estimate(sweep(3000), told).f0.size(), 19U);
    EXPECT_THAT(seen, ElementsAre(19, 19)) << config;
    const PitchOptions ended = {.progress = [](int64_t, int64_t) { throw std::runtime_error("stop"); }};
    EXPECT_THROW(static_cast<void>(estimator.estimate(sweep(3000), ended)), std::runtime_error) << config;
  }
}

/// Recordings of all kinds of lengths, for what goes side by side and what does not.
std::vector<std::vector<float>> recordings(std::mt19937& random, size_t count) {
  std::vector<std::vector<float>> made;
  for (size_t i = 0; i < count; ++i) {
    std::vector<float> waveform = sweep(513 + random() % (random() % 4 == 0 ? 40000 : 3000));
    std::rotate(waveform.begin(), waveform.begin() + static_cast<std::ptrdiff_t>(random() % 500),
                waveform.end());
    made.push_back(std::move(waveform));
  }
  return made;
}

TEST(PitchEstimator, ABatchGivesWhatEachGivesAlone) {
  std::mt19937 random(1);
  for (const char* config : {"tiny-rmvpe", "tiny-fcpe"}) {
    const PitchEstimator one = PitchEstimator::load(test::rvc_synthetic(config), {.threads = 1});
    for (const int threads : {1, 2, 3}) {
      const PitchEstimator estimator =
          PitchEstimator::load(test::rvc_synthetic(config), {.threads = threads});
      for (const size_t count : {0U, 1U, 2U, 7U}) {
        const std::vector<std::vector<float>> waveforms = recordings(random, count);
        const std::vector<std::span<const float>> views(waveforms.begin(), waveforms.end());
        const std::vector<Pitch> pitches = estimator.estimate_batch(views, {.threshold = 0.2});
        ASSERT_EQ(pitches.size(), count);
        for (size_t i = 0; i < count; ++i) {
          const Pitch alone = one.estimate(waveforms[i], {.threshold = 0.2});
          EXPECT_EQ(pitches[i].f0, alone.f0)
              << config << ", " << threads << " threads, " << i << " of " << count;
          EXPECT_EQ(pitches[i].confidence, alone.confidence);
        }
      }
    }
  }
}

TEST(PitchEstimator, ABatchsErrorsSayOfWhichItIs) {
  const PitchEstimator rmvpe = PitchEstimator::load(test::rvc_synthetic("tiny-rmvpe"), {.threads = 2});
  std::vector<std::vector<float>> waveforms = {sweep(600), sweep(600), sweep(512)};
  const auto estimate = [&](const PitchOptions& options = {}) {
    const std::vector<std::span<const float>> views(waveforms.begin(), waveforms.end());
    static_cast<void>(rmvpe.estimate_batch(views, options));
  };
  EXPECT_THAT(test::error_of(estimate), AllOf(HasSubstr("waveform 2 of 3"), HasSubstr("at least 513")));
  waveforms[2] = sweep(600);
  int64_t last = 0;
  estimate({.progress = [&](int64_t done, int64_t total) {
    EXPECT_GT(done, last);
    EXPECT_LE(done, total);
    last = done;
  }});
  EXPECT_GT(last, 0);
  EXPECT_THROW(estimate({.poll = [] { throw std::runtime_error("stop"); }}), std::runtime_error);
}

TEST(PitchEstimator, OpensAFileInMemory) {
  const std::filesystem::path path = test::oracle_rvc() / "checkpoints" / "tiny-fcpe.pt";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "there is no ../shared/oracle-rvc";
  const std::vector<std::byte> file = test::read_file(path);
  const PitchEstimator in_memory = PitchEstimator::load(file_in_memory(file, "mine"));
  EXPECT_EQ(in_memory.source(), "mine");
  EXPECT_EQ(in_memory.estimate(sweep(3000)).f0, PitchEstimator::load(path.string()).estimate(sweep(3000)).f0);
  EXPECT_THAT(
      test::error_of([&] { PitchEstimator::load(file_in_memory(std::span(file).first(1000), "mine")); }),
      HasSubstr("mine"));
}

TEST(Pitch, UnvoicedFramesAreFilledBetweenTheirNeighbours) {
  std::vector<float> f0 = {0, 0, 100, 0, 0, 130, 0, 90, 0};
  interpolate_unvoiced(f0);
  EXPECT_THAT(f0, ElementsAre(100, 100, 100, 110, 120, 130, 110, 90, 90));
  std::vector<float> silent = {0, 0, 0};
  interpolate_unvoiced(silent);
  EXPECT_THAT(silent, Each(0));
  interpolate_unvoiced({});
}

TEST(CoarsePitch, IsOneWhereThereIsNone) {
  const std::vector<float> f0 = {0, -1, -1e9F, std::numeric_limits<float>::quiet_NaN(), 49, 1100, 1e30F};
  EXPECT_EQ(coarse_pitch(f0), (std::vector<int64_t>{1, 1, 1, 1, 1, 255, 255}));
}

TEST(Pitch, TheTableOfCoarsePitchesIsTheReferences) {
  const test::RvcGolden golden = test::read_rvc_golden("pitch-table");
  for (const int key : {0, 7, -12}) {
    std::vector<float> f0 = golden.arrays.at("f0").values;
    shift_semitones(f0, key);
    const std::vector<float>& shifted = golden.arrays.at("pitchf." + std::to_string(key)).values;
    for (size_t i = 0; i < f0.size(); ++i)
      ASSERT_NEAR(f0[i], shifted[i], 1e-6 * static_cast<double>(shifted[i])) << key << " " << i;
    const std::vector<int64_t> expected = test::read_integers(
        test::oracle_rvc() / "golden" / "pitch-table.safetensors", "pitch." + std::to_string(key));
    ASSERT_EQ(expected.size(), f0.size());
    const std::vector<int64_t> coarse = coarse_pitch(shifted);
    for (size_t i = 0; i < f0.size(); ++i) {
      if (coarse[i] == expected[i]) continue;
      // Within 1e-4 of a rounding boundary either is right.
      const double mel = 1127.0 * std::log1p(static_cast<double>(shifted[i]) / 700.0);
      const double lowest = 1127.0 * std::log1p(50.0 / 700.0);
      const double place = (mel - lowest) * 254.0 / (1127.0 * std::log1p(1100.0 / 700.0) - lowest) + 1;
      ASSERT_LT(std::abs(place - std::floor(place) - 0.5), 1e-4) << key << " " << i << ": " << place;
    }
  }
  for (const double semitones : {std::numeric_limits<double>::infinity(), std::nan(""), 1e6, -121.0}) {
    EXPECT_THAT(test::error_of([&] {
                  std::vector<float> f0 = {100};
                  shift_semitones(f0, semitones);
                }),
                HasSubstr("semitones"))
        << semitones;
  }
}

}  // namespace
}  // namespace contentvec
