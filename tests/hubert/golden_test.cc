// The model against the oracle's float64 results: every variant, stage and layer, on every instruction set.

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>
#include <tuple>

#include "contentvec/model.h"
#include "golden.h"
#include "nn/kernels/select.h"

namespace contentvec {
namespace {

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, EveryStageIsWithinTheContract) {
  const test::Golden golden = test::read_golden(GetParam());
  test::expect_golden(Model::load(golden.spec()), golden);
}

INSTANTIATE_TEST_SUITE_P(Oracle, GoldenTest, testing::ValuesIn(test::golden_names()),
                         [](const auto& test) { return test::test_name(test.param); });

TEST(GoldenFiles, AreAllThere) {
  EXPECT_EQ(test::golden_names().size(), 18U);
}

/// The other instruction sets, on the small variants and one frame of base.
class GoldenIsaTest : public testing::TestWithParam<const nn::Kernels*> {};

TEST_P(GoldenIsaTest, EveryStageIsWithinTheContract) {
  setenv("CONTENTVEC_ISA", GetParam()->isa, 1);
  for (const std::string& name : test::golden_names()) {
    if (name.starts_with("base.") && name != "base.400") continue;
    const test::Golden golden = test::read_golden(name);
    test::expect_golden(Model::load(golden.spec()), golden);
  }
  unsetenv("CONTENTVEC_ISA");
}

INSTANTIATE_TEST_SUITE_P(Isa, GoldenIsaTest, testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                         [](const auto& test) { return std::string(test.param->isa); });

/// bfloat16 weights: how close is asked for by cosine, frame by frame, on the base model's output.
class GoldenBfloat16Test : public testing::TestWithParam<std::tuple<const nn::Kernels*, std::string>> {};

TEST_P(GoldenBfloat16Test, FramesPointWhereTheReferencesDo) {
  const auto& [kernels, name] = GetParam();
  if (std::string_view(kernels->isa) == "scalar" && name != "base.400") {
    GTEST_SKIP() << "a second or more of base takes plain C++ too long";
  }
  setenv("CONTENTVEC_ISA", kernels->isa, 1);
  const test::Golden golden = test::read_golden(name);
  const Model model = Model::load(golden.spec(), {.dtype = DType::kBF16});
  const Features features = model.extract(golden.waveform, test::golden_options(golden));
  unsetenv("CONTENTVEC_ISA");
  const test::Cosines cosines = test::frame_cosines(features, golden.stages.at("features").values);
  EXPECT_GT(cosines.lowest, 0.9998);
  EXPECT_GT(cosines.mean, 0.9999);
  EXPECT_LT(cosines.lowest, 1.0 - 1e-9) << "this is not bfloat16";
}

INSTANTIATE_TEST_SUITE_P(Isa, GoldenBfloat16Test,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kBF16)),
                                          testing::Values("base.400", "base.16000", "base.48000")),
                         [](const auto& test) {
                           return test::test_name(std::string(std::get<0>(test.param)->isa) + "_" +
                                                  std::get<1>(test.param));
                         });

TEST(GoldenBatch, RowsOfThePaddedBatchAreWhatEachFileAloneGives) {
  const std::map<std::string, test::Reference> tensors =
      test::read_tensors(test::golden_path("tiny-masked.batch"));
  const std::vector<float>& padded = tensors.at("waveform").values;
  const std::vector<int64_t> lengths = {5000, 16000, 9999, 720};
  std::vector<std::span<const float>> waveforms;
  for (size_t i = 0; i < lengths.size(); ++i) {
    waveforms.push_back(std::span(padded).subspan(i * 16000, static_cast<size_t>(lengths[i])));
  }
  const test::Golden alone = test::read_golden("tiny-masked.16000");  // for the model and the tolerance
  const Model model = Model::load(alone.spec());
  for (const std::string stage : {"features", "projected", "layer_1", "layer_2", "layer_3", "final_proj"}) {
    const Stage asked = alone.stage_of(stage, model.config());
    const std::vector<Features> results =
        model.extract_batch(waveforms, {.layer = asked.layer, .final_proj = asked.final_proj});
    const test::Reference& reference = tensors.at(stage);
    const auto row = static_cast<size_t>(reference.shape[1] * reference.shape[2]);
    for (size_t i = 0; i < results.size(); ++i) {
      ASSERT_EQ(results[i].frames, model.config().frames(lengths[i]));
      const auto begin = reference.values.begin() + static_cast<std::ptrdiff_t>(i * row);
      const std::vector<float> expected(begin, begin + static_cast<std::ptrdiff_t>(results[i].data.size()));
      EXPECT_LE(test::max_abs_error(results[i].data, expected), alone.tolerance(stage))
          << stage << ", row " << i;
    }
  }
}

}  // namespace
}  // namespace contentvec
