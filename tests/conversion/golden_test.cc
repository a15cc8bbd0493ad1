// Whole conversions against the reference's, step by step, on every instruction set.

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <set>
#include <tuple>

#include "contentvec/audio.h"
#include "conversion/golden_case.h"
#include "nn/kernels/select.h"

namespace contentvec::conversion {
namespace {

using Seen = std::map<std::string, std::vector<float>>;

/// What is no step of the conversion, but of the voice inside (tests/synthesizer), of the index, or an input.
bool is_elsewhere(const std::string& array) {
  const std::string stage = array.substr(array.find('.') + 1);
  return std::set<std::string>{"audio", "input"}.contains(array) ||
         std::set<std::string>{"noise_z", "noise_source", "z", "z_p", "m", "logs", "index_distances"}
             .contains(stage);
}

void expect_steps(const GoldenCase& reference, const Seen& seen) {
  for (const auto& [array, expected] : reference.golden().arrays) {
    if (is_elsewhere(array)) continue;
    ASSERT_TRUE(seen.contains(array)) << array;
    const std::vector<float>& values = seen.at(array);
    if (array.ends_with(".audio")) {
      // What is cut off is not synthesized.
      const auto cut = static_cast<int64_t>((expected.values.size() - values.size()) / 2);
      const std::vector<float> own(expected.values.begin() + cut, expected.values.end() - cut);
      EXPECT_LE(test::max_abs_error(values, own), reference.golden().tolerance(array)) << array;
      continue;
    }
    if (array.find("f0") == std::string::npos && array.find("pitchf") == std::string::npos) {
      EXPECT_LE(test::max_abs_error(values, expected.values), reference.golden().tolerance(array)) << array;
      continue;
    }
    ASSERT_EQ(values.size(), expected.values.size()) << array;
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], expected.values[i], 1e-4 * static_cast<double>(expected.values[i]))
          << array << " " << i;
  }
}

void expect_coarse_pitch(const std::vector<float>& f0, const std::vector<int64_t>& expected) {
  const std::vector<int64_t> coarse = coarse_pitch(f0);
  EXPECT_EQ(coarse, expected);
}

void expect_integers(const std::vector<float>& waveform, const std::vector<int64_t>& expected) {
  const std::vector<int16_t> integers = to_pcm16(waveform);
  ASSERT_EQ(integers.size(), expected.size());
  int64_t largest = 0;
  for (size_t i = 0; i < integers.size(); ++i)
    largest = std::max(largest, std::abs(integers[i] - expected[i]));
  EXPECT_LE(largest, 2);
}

class PipelineTest : public testing::TestWithParam<std::tuple<const nn::Kernels*, std::string>> {};

TEST_P(PipelineTest, EveryStepIsTheReferences) {
  const auto& [kernels, name] = GetParam();
  const GoldenCase reference(name);
  if (reference.has_index() && !test::has_faiss()) GTEST_SKIP() << "this build reads no indexes";
  setenv("CONTENTVEC_ISA", kernels->isa, 1);
  Seen seen;
  const Converted converted =
      reference.pipeline().convert(reference.recording(), 16000, reference.options(), reference.seams(seen));
  unsetenv("CONTENTVEC_ISA");
  expect_steps(reference, seen);
  for (int piece = 0; seen.contains("chunk" + std::to_string(piece) + ".pitchf"); ++piece) {
    const std::string chunk = "chunk" + std::to_string(piece) + ".";
    if (seen.at(chunk + "pitchf").empty()) continue;
    expect_coarse_pitch(seen.at(chunk + "pitchf"), reference.integers(chunk + "pitch"));
  }
  expect_integers(converted.waveform, reference.integers("output_int16"));
}

INSTANTIATE_TEST_SUITE_P(Isa, PipelineTest,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                                          testing::ValuesIn(test::rvc_golden_names("pipeline-"))),
                         [](const auto& test) {
                           return test::test_name(std::string(std::get<0>(test.param)->isa) + "_" +
                                                  std::get<1>(test.param));
                         });

}  // namespace
}  // namespace contentvec::conversion
