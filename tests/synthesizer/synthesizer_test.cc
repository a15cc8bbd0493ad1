#include "synthesizer/synthesizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <tuple>

#include "contentvec/pitch.h"
#include "made_up.h"
#include "synthesizer/oracle_voice.h"
#include "synthesizer/voice_tensors.h"

namespace contentvec::synthesizer {
namespace {

/// Those of one recording that tests/oracle-rvc carries, and where the whole oracle is there all of them.
std::vector<std::string> tiny_goldens() {
  std::vector<std::string> names = test::rvc_golden_names("tiny-v");
  std::erase_if(names, [](const std::string& name) { return name.ends_with(".batch"); });
  return names;
}
std::vector<std::string> base_goldens() {
#ifdef CONTENTVEC_SANITIZED  // they would take minutes
  return {};
#else
  return test::rvc_golden_names("base-v");
#endif
}
std::vector<std::string> single_goldens() {
  std::vector<std::string> names = tiny_goldens();
  for (const std::string& name : base_goldens()) names.push_back(name);
  return names;
}

std::vector<float> synthesize(const Synthesizer& synthesizer, const nn::Kernels& kernels,
                              const VoiceInput& input, const Generator::Observe& observe = {}) {
  nn::Machine machine(kernels, 2);
  Synthesizer::Workspace workspace;
  std::vector<float> audio(static_cast<size_t>(synthesizer.samples(synthesizer.frame_range(input))));
  synthesizer.run(machine.context(), workspace, input, audio.data(), observe);
  return audio;
}

using KernelsAndGolden = std::tuple<const nn::Kernels*, std::string>;
std::string name_of(const testing::TestParamInfo<KernelsAndGolden>& test) {
  return test::isa_name(std::get<0>(test.param)) + "_" + test::test_name(std::get<1>(test.param));
}

class SynthesizerTest : public testing::TestWithParam<KernelsAndGolden> {};

TEST_P(SynthesizerTest, EveryStageIsTheReferences) {
  const auto& [kernels, name] = GetParam();
  const VoiceGolden golden(name);
  const Synthesizer synthesizer(*kernels, test::made_up(voice_tensors(golden.config)), golden.config);
  std::set<std::string> unseen;
  for (const auto& [array, error] : golden.file.float32_max_abs_error) {
    if (golden.file.arrays.contains(array)) unseen.insert(array);
  }
  const auto check = [&](const std::string& stage, const std::vector<float>& values) {
    if (unseen.erase(stage) == 0) return;
    EXPECT_LE(test::max_abs_error(values, golden.file.arrays.at(stage).values), golden.file.tolerance(stage))
        << stage;
  };
  const std::vector<float> audio =
      synthesize(synthesizer, *kernels, golden.input,
                 [&](std::string_view stage, const float* rows, int64_t count, int64_t width) {
                   check(std::string(stage), channels_first(rows, count, width));
                 });
  check("audio", audio);
  EXPECT_THAT(unseen, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Isa, SynthesizerTest,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                                          testing::ValuesIn(single_goldens())),
                         name_of);

/// 10 log10 of the reference's power over the error's.
double signal_to_noise(const std::vector<float>& values, const std::vector<float>& reference) {
  double signal = 0;
  double noise = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double error = static_cast<double>(values[i]) - static_cast<double>(reference[i]);
    signal += static_cast<double>(reference[i]) * static_cast<double>(reference[i]);
    noise += error * error;
  }
  return 10 * std::log10(signal / noise);
}

class SynthesizerBfloat16Test : public testing::TestWithParam<KernelsAndGolden> {};

/// docs/validation.md says how close: 35 dB where the rows of products are rounded, too.
TEST_P(SynthesizerBfloat16Test, IsCloseToTheReference) {
  const auto& [kernels, name] = GetParam();
  const VoiceGolden golden(name);
  const Synthesizer synthesizer(*kernels, test::made_up(voice_tensors(golden.config)), golden.config);
  EXPECT_GT(
      signal_to_noise(synthesize(synthesizer, *kernels, golden.input), golden.file.arrays.at("audio").values),
      32);
}

INSTANTIATE_TEST_SUITE_P(Isa, SynthesizerBfloat16Test,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kBF16)),
                                          testing::ValuesIn(tiny_goldens())),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Best, SynthesizerBfloat16Test,
                         testing::Combine(testing::Values(&nn::select_kernels(DType::kBF16)),
                                          testing::ValuesIn(base_goldens())),
                         name_of);

TEST(Synthesizer, PitchIdsAreTheReferences) {
  for (const std::string& name : single_goldens()) {
    const VoiceGolden golden(name);
    EXPECT_EQ(coarse_pitch(golden.input.f0), golden.pitch) << name;
  }
}

TEST(Synthesizer, TheSourceMayHaveAPitchOfItsOwn) {
  const VoiceGolden golden("tiny-v2-48k.6");
  const nn::Kernels& kernels = nn::select_kernels(DType::kF32);
  const Synthesizer synthesizer(kernels, test::made_up(voice_tensors(golden.config)), golden.config);
  const auto stage = [&](const char* wanted, const VoiceInput& input) {
    std::vector<float> found;
    synthesize(synthesizer, kernels, input,
               [&](std::string_view name, const float* rows, int64_t count, int64_t width) {
                 if (name == wanted) found.assign(rows, rows + count * width);
               });
    return found;
  };
  std::vector<float> octave_below(golden.input.f0.begin(), golden.input.f0.end());
  for (float& hz : octave_below) hz /= 2;
  VoiceInput input = golden.input;
  input.f0 = octave_below;
  input.source_pitch = 2;
  EXPECT_EQ(stage("har_source", input), stage("har_source", golden.input));
  EXPECT_NE(stage("embedded", input), stage("embedded", golden.input));
}

/// Frames [0, count) of row `row` of a padded array [rows, channels, frames].
std::vector<float> beginning_of(const test::Reference& array, int64_t row, int64_t count) {
  const int64_t channels = array.shape.at(1);
  const int64_t frames = array.shape.at(2);
  std::vector<float> values;
  for (int64_t c = 0; c < channels; ++c) {
    const auto first = array.values.begin() + (row * channels + c) * frames;
    values.insert(values.end(), first, first + count);
  }
  return values;
}

/// A row of a batch is what it gives alone, up to the generator: that of the reference sees a shorter row's padding, by
/// its receptive field of some ten frames.
TEST(Synthesizer, RowsOfTheReferencesBatchAreThoseOfEachAlone) {
  const std::string name = "tiny-v2-48k.batch";
  const auto path = test::oracle_rvc() / "golden" / (name + ".safetensors");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "it is in ../shared/oracle-rvc";
  const test::RvcGolden golden = test::read_rvc_golden(name);
  const VoiceConfig config = oracle_config("tiny-v2-48k");
  const nn::Kernels& kernels = nn::select_kernels(DType::kF32);
  const Synthesizer synthesizer(kernels, test::made_up(voice_tensors(config)), config);
  const std::vector<int64_t> lengths = test::read_integers(path, "lengths");
  const std::vector<int64_t> speakers = test::read_integers(path, "sid");
  ASSERT_EQ(lengths.size(), 3U);
  for (int64_t row = 0; row < 3; ++row) {
    const int64_t frames = lengths[static_cast<size_t>(row)];
    const auto part = [&](const char* array, int64_t count, int64_t width) {
      const std::vector<float>& values = golden.arrays.at(array).values;
      const size_t stride = values.size() / 3;
      return std::span(values).subspan(static_cast<size_t>(row) * stride, static_cast<size_t>(count * width));
    };
    VoiceInput input;
    input.features = part("phone", frames, 768);
    input.f0 = part("pitchf", frames, 1);
    input.latent_noise = part("noise_z", frames, config.inter_channels);
    input.source_noise = part("noise_source", frames, config.samples_per_frame());
    input.speaker = speakers[static_cast<size_t>(row)];
    int seen = 0;
    std::vector<float> audio =
        synthesize(synthesizer, kernels, input,
                   [&](std::string_view stage, const float* rows, int64_t count, int64_t width) {
                     const auto array = golden.arrays.find(std::string(stage));
                     if (array == golden.arrays.end()) return;
                     EXPECT_LE(test::max_abs_error(channels_first(rows, count, width),
                                                   beginning_of(array->second, row, frames)),
                               golden.tolerance(array->first))
                         << stage << " of row " << row;
                     ++seen;
                   });
    EXPECT_EQ(seen, 4);
    const bool is_longest =
        frames * 3 * config.inter_channels == static_cast<int64_t>(golden.arrays.at("noise_z").values.size());
    const int64_t unpadded = is_longest ? frames : std::max<int64_t>(0, frames - 10);
    audio.resize(static_cast<size_t>(unpadded * config.samples_per_frame()));
    const std::span<const float> expected = part("audio", unpadded, config.samples_per_frame());
    EXPECT_LE(test::max_abs_error(audio, {expected.begin(), expected.end()}), golden.tolerance("audio"))
        << row;
  }
}

}  // namespace
}  // namespace contentvec::synthesizer
