// Files that a current PyTorch wrote (scripts/make_torch_files.py says what is in them).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "support.h"

namespace contentvec::checkpoint {
namespace {

std::vector<float> values(const Checkpoint& file, const std::string& name) {
  return test::read(file.tensors.at(name));
}

class TorchFilesTest : public testing::TestWithParam<const char*> {};

TEST_P(TorchFilesTest, GiveEveryTensor) {
  using testing::ElementsAre;
  const Checkpoint file = open(test::data() / "torch" / GetParam());
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("bfloat16", "empty", "half", "parameter", "scalar", "sliced", "steps",
                                 "transposed"));
  EXPECT_THAT(values(file, "parameter"), ElementsAre(0, 0.125F, 0.25F, 0.375F, 0.5F, 0.625F));
  EXPECT_THAT(values(file, "half"), ElementsAre(0, 0.125F, 0.25F, 0.375F, 0.5F, 0.625F));
  EXPECT_THAT(values(file, "bfloat16"), ElementsAre(0, 0.125F, 0.25F, 0.375F));
  EXPECT_THAT(values(file, "scalar"), ElementsAre(0.125F));
  EXPECT_THAT(values(file, "sliced"), ElementsAre(1, 1.125F, 1.25F, 1.75F, 1.875F, 2));
  EXPECT_THAT(file.tensors.at("transposed").shape, ElementsAre(6, 4));
  EXPECT_THAT(std::vector(values(file, "transposed")), testing::Contains(0.75F));
  for (int64_t i = 0; i < 24; ++i) {
    EXPECT_EQ(values(file, "transposed")[static_cast<size_t>(i)],
              static_cast<float>(i % 4 * 6 + i / 4) / 8.0F);
  }
  EXPECT_TRUE(values(file, "empty").empty());
  EXPECT_THAT(test::error_of([&] { values(file, "steps"); }), testing::HasSubstr("int64"));
}

INSTANTIATE_TEST_SUITE_P(Torch2, TorchFilesTest, testing::Values("zip.pt", "legacy.pt"),
                         [](const auto& test) {
                           return std::string(test.param, test.param[0] == 'z' ? 3 : 6);
                         });

}  // namespace
}  // namespace contentvec::checkpoint
