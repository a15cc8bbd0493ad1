// The MLX backend against the oracle's float64 results: every variant, stage and layer.

#include <gtest/gtest.h>

#include "contentvec/model.h"
#include "golden.h"

namespace contentvec {
namespace {

std::string test_name(std::string text) {
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return text;
}

class MlxGoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(MlxGoldenTest, EveryStageIsWithinTheContract) {
  const test::Golden golden = test::read_golden(GetParam());
  test::expect_golden(Model::load(golden.spec(), {.device = Device::kMlx}), golden);
}

INSTANTIATE_TEST_SUITE_P(Oracle, MlxGoldenTest, testing::ValuesIn(test::golden_names()),
                         [](const auto& test) { return test_name(test.param); });

/// Weights of 16 bits: how close is asked for by cosine, frame by frame, on the base model's output.
struct HalfCase {
  const char* name;
  DType dtype;
  double lowest;
  double mean;
};

class MlxHalfTest : public testing::TestWithParam<std::tuple<HalfCase, std::string>> {};

TEST_P(MlxHalfTest, FramesPointWhereTheReferencesDo) {
  const auto& [half, name] = GetParam();
  const test::Golden golden = test::read_golden(name);
  const Model model = Model::load(golden.spec(), {.dtype = half.dtype, .device = Device::kMlx});
  const Features features = model.extract(golden.waveform, test::golden_options(golden));
  const test::Cosines cosines = test::frame_cosines(features, golden.stages.at("features").values);
  RecordProperty("lowest_cosine", std::to_string(cosines.lowest));
  EXPECT_GT(cosines.lowest, half.lowest);
  EXPECT_GT(cosines.mean, half.mean);
  EXPECT_LT(cosines.lowest, 1.0 - 1e-10) << "this is float32";
}

INSTANTIATE_TEST_SUITE_P(Types, MlxHalfTest,
                         testing::Combine(testing::Values(HalfCase{"bf16", DType::kBF16, 0.9998, 0.9999},
                                                          HalfCase{"f16", DType::kF16, 0.99999, 0.99999}),
                                          testing::Values("base.400", "base.16000")),
                         [](const auto& test) {
                           return test_name(std::get<0>(test.param).name + ("_" + std::get<1>(test.param)));
                         });

}  // namespace
}  // namespace contentvec
