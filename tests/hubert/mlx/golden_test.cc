// The MLX backend against the oracle's float64 results: every variant, stage and layer.

#include <gtest/gtest.h>

#include "batch_norm.h"
#include "contentvec/model.h"
#include "golden.h"

namespace contentvec {
namespace {

class MlxGoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(MlxGoldenTest, EveryStageIsWithinTheContract) {
  const test::Golden golden = test::read_golden(GetParam());
  test::expect_golden(Model::load(golden.spec(), {.device = Device::kMlx}), golden);
}

INSTANTIATE_TEST_SUITE_P(Oracle, MlxGoldenTest, testing::ValuesIn(test::golden_names()),
                         [](const auto& test) { return test::test_name(test.param); });

TEST(MlxBatchNorm, IsWhatItsDefinitionSaysUpToTheEdges) {
  test::expect_batch_norm(Device::kMlx);
}

/// Weights of 16 bits: how close is asked for by cosine, frame by frame, at every stage.
struct HalfCase {
  const char* name;
  DType dtype;
  double lowest;          ///< of any frame at any stage of any variant
  double lowest_of_base;  ///< of any frame of the base model's output
};

class MlxHalfTest : public testing::TestWithParam<std::tuple<HalfCase, std::string>> {};

TEST_P(MlxHalfTest, FramesPointWhereTheReferencesDo) {
  const auto& [half, name] = GetParam();
  const test::Golden golden = test::read_golden(name);
  const Model model = Model::load(golden.spec(), {.dtype = half.dtype, .device = Device::kMlx});
  double lowest_of_all = 1;
  for (const auto& [stage, features] : test::extract_all(model, golden)) {
    const test::Cosines cosines = test::frame_cosines(features, golden.stages.at(stage).values);
    const bool base_output = golden.config == "base" && stage == "features";
    EXPECT_GT(cosines.lowest, base_output ? half.lowest_of_base : half.lowest) << stage;
    lowest_of_all = std::min(lowest_of_all, cosines.lowest);
  }
  EXPECT_LT(lowest_of_all, 1.0 - 1e-10) << "this is float32";
  RecordProperty("lowest_cosine", std::to_string(lowest_of_all));
}

INSTANTIATE_TEST_SUITE_P(Types, MlxHalfTest,
                         testing::Combine(testing::Values(HalfCase{"bf16", DType::kBF16, 0.998, 0.9998},
                                                          HalfCase{"f16", DType::kF16, 0.9999, 0.99999}),
                                          testing::ValuesIn(test::golden_names())),
                         [](const auto& test) {
                           return test::test_name(std::get<0>(test.param).name +
                                                  ("_" + std::get<1>(test.param)));
                         });

}  // namespace
}  // namespace contentvec
