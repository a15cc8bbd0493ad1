#include "synthesizer/synthesizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "contentvec/pitch.h"
#include "f0/estimator.h"
#include "synthesizer/oracle_voice.h"
#include "synthesizer/voice_tensors.h"

namespace contentvec::synthesizer {
namespace {

/// Those of one recording that tests/oracle-rvc carries, and where the whole oracle is there all of them.
std::vector<std::string> single_goldens() {
  std::vector<std::string> names;
  for (const char* begin : {"tiny-v", "base-v"}) {
    for (const std::string& name : test::rvc_golden_names(begin)) {
      if (!name.ends_with(".batch")) names.push_back(name);
    }
  }
  return names;
}

std::vector<float> synthesize(const Synthesizer& synthesizer, const test::Machine& machine_,
                              const VoiceInput& input, const Generator::Observe& observe = {}) {
  auto& machine = const_cast<test::Machine&>(machine_);
  Synthesizer::Workspace workspace;
  std::vector<float> audio(static_cast<size_t>(synthesizer.samples(synthesizer.frame_range(input))));
  synthesizer.run(machine.context(), workspace, input, audio.data(), observe);
  return audio;
}

class SynthesizerTest : public testing::TestWithParam<std::tuple<const nn::Kernels*, std::string>> {};

TEST_P(SynthesizerTest, EveryStageIsTheReferences) {
  const auto& [kernels, name] = GetParam();
  const VoiceGolden golden(name);
  const Synthesizer synthesizer(*kernels, test::made_up(voice_tensors(golden.config)), golden.config);
  const test::Machine machine(*kernels, 2);
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
      synthesize(synthesizer, machine, golden.input,
                 [&](std::string_view stage, const float* rows, int64_t count, int64_t width) {
                   check(std::string(stage), channels_first(rows, count, width));
                 });
  check("audio", audio);
  EXPECT_THAT(unseen, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Isa, SynthesizerTest,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                                          testing::ValuesIn(single_goldens())),
                         [](const auto& test) {
                           return test::isa_name(std::get<0>(test.param)) + "_" +
                                  test::test_name(std::get<1>(test.param));
                         });

TEST(Synthesizer, PitchIdsAreTheReferences) {
  for (const std::string& name : single_goldens()) {
    const VoiceGolden golden(name);
    EXPECT_EQ(coarse_pitch(golden.input.f0), golden.pitch) << name;
  }
}

}  // namespace
}  // namespace contentvec::synthesizer
