// What a model takes in memory, and when.

#include <gtest/gtest.h>

#include <random>

#include "allocations.h"
#include "contentvec/model.h"
#include "support.h"

namespace contentvec {
namespace {

struct Case {
  std::string config;
  DType dtype;
};

class WorkspaceTest : public testing::TestWithParam<Case> {};

TEST_P(WorkspaceTest, IsNotTakenAgainForALengthSeenBefore) {
  if (!test::allocations_are_counted()) GTEST_SKIP() << "a sanitizer brings its own operator new";
  const std::string spec =
      "synthetic:" + (test::oracle() / "configs" / (GetParam().config + ".json")).string();
  const Model model = Model::load(spec, {.threads = 2, .dtype = GetParam().dtype});
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 0.1F);
  std::vector<float> waveform(41360);  // 129 frames, of which two threads take two tiles each
  for (float& x : waveform) x = normal(random);
  const std::vector<float> speaker(static_cast<size_t>(model.config().speaker_dim), 0.5F);
  const ExtractOptions options = {.normalize = Normalize::kOn,
                                  .speaker_embedding = model.config().speaker_conditioned()
                                                           ? std::span<const float>(speaker)
                                                           : std::span<float>()};
  std::vector<float> features(
      static_cast<size_t>(model.config().frames(41360) * model.config().encoder_embed_dim));
  model.extract_into(waveform, features, options);
  const std::vector<float> first = features;

  const size_t before = test::allocation_count();
  for (int i = 0; i < 3; ++i) model.extract_into(waveform, features, options);
  // A shorter window fits as well, that of 128 frames too, whose two tiles are larger.
  for (const int64_t samples : {9000, 41040}) {
    const std::span<const float> shorter = std::span(waveform).first(static_cast<size_t>(samples));
    const auto size = static_cast<size_t>(model.config().frames(samples) * model.config().encoder_embed_dim);
    model.extract_into(shorter, std::span(features).first(size), options);
  }
  model.extract_into(waveform, features, options);
  EXPECT_EQ(test::allocation_count() - before, 0U);
  EXPECT_EQ(features, first);
}

INSTANTIATE_TEST_SUITE_P(Variants, WorkspaceTest,
                         testing::Values(Case{"tiny", DType::kF32}, Case{"tiny", DType::kBF16},
                                         Case{"tiny-large", DType::kF32}, Case{"tiny-speaker", DType::kF32}),
                         [](const auto& test) {
                           std::string name =
                               test.param.config + (test.param.dtype == DType::kF32 ? "_f32" : "_bf16");
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace contentvec
