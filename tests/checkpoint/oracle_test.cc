#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "checkpoint/hostile.h"
#include "support.h"

// The reference checkpoints, which torch itself wrote: each opens, and the same weights are the same numbers.

namespace contentvec::checkpoint {
namespace {

using test::read;

Checkpoint reference(const std::string& name) {
  return open(test::oracle() / "checkpoints" / name);
}

void expect_same_tensors(const Checkpoint& a, const Checkpoint& b, float tolerance) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    ASSERT_TRUE(b.tensors.contains(name)) << name;
    const Tensor& other = b.tensors.at(name);
    EXPECT_EQ(tensor.name, name);
    EXPECT_EQ(tensor.shape, other.shape) << name;
    if (name == "label_embs_concat" || name == "mask_emb") continue;  // of no use but in training: drawn anew
    const std::vector<float> x = read(tensor), y = read(other);
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_LE(std::abs(x[i] - y[i]), tolerance * std::abs(x[i]) + tolerance * 1e-3F) << name << " " << i;
  }
}

TEST(Oracle, AllCheckpointsOpen) {
  int opened = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::oracle() / "checkpoints")) {
    const Checkpoint checkpoint = open(entry.path());
    EXPECT_GE(checkpoint.tensors.size(), 60U) << entry.path();
    EXPECT_THAT(checkpoint.source, ::testing::StartsWith(entry.path().string()));
    for (const auto& [name, tensor] : checkpoint.tensors)
      for (const float value : read(tensor)) ASSERT_TRUE(std::isfinite(value)) << entry.path() << " " << name;
    ++opened;
  }
  EXPECT_GE(opened, 11);
}

TEST(Oracle, SameTensorsInEveryTorchContainer) {
  const Checkpoint zip = reference("tiny.fairseq.pt");
  EXPECT_EQ(zip.container, "torch zip");
  EXPECT_EQ(zip.tensors.at("feature_extractor.conv_layers.0.0.weight").shape,
            (std::vector<int64_t>{24, 1, 10}));
  const Checkpoint legacy = reference("tiny.fairseq.legacy.pt");
  EXPECT_EQ(legacy.container, "torch legacy");
  expect_same_tensors(zip, legacy, 0);
  expect_same_tensors(zip, reference("tiny.bare-state-dict.pt"), 0);
}

TEST(Oracle, HalfPrecisionIsWithinItsRounding) {
  const Checkpoint half = reference("tiny.fairseq.fp16.pt");
  EXPECT_EQ(half.tensors.begin()->second.type, ElementType::kF16);
  expect_same_tensors(reference("tiny.fairseq.pt"), half, 0x1p-11F);
}

TEST(Oracle, SafetensorsHoldTheSameNumbersAsTorch) {
  // The pre-norm model in Hugging Face's names, and in fairseq's.
  const Checkpoint hf = reference("tiny-large.hf");
  const Checkpoint fairseq = reference("tiny-large.fairseq.pt");
  EXPECT_EQ(hf.container, "safetensors");
  EXPECT_EQ(read(hf.tensors.at("encoder.layers.0.attention.k_proj.weight")),
            read(fairseq.tensors.at("encoder.layers.0.self_attn.k_proj.weight")));
  // mlx-contentvec's layout transposes a conv's weight from (out, in, kernel) to (out, kernel, in).
  const Tensor torch = reference("tiny.fairseq.pt").tensors.at("feature_extractor.conv_layers.1.0.weight");
  const Tensor mlx =
      reference("tiny.mlx.safetensors").tensors.at("feature_extractor.conv_layers.1.conv.weight");
  ASSERT_EQ(mlx.shape, (std::vector<int64_t>{torch.shape[0], torch.shape[2], torch.shape[1]}));
  Tensor transposed = torch;
  std::swap(transposed.shape[1], transposed.shape[2]);
  std::swap(transposed.strides[1], transposed.strides[2]);
  EXPECT_EQ(read(mlx), read(transposed));
}

TEST(Oracle, ConfigurationIsReachable) {
  const auto model = reference("tiny.fairseq.pt").entries.at("cfg").at("model");
  EXPECT_EQ(model.at("encoder_layers"), 3);
  EXPECT_EQ(model.at("dropout"), 0.1);
  EXPECT_EQ(model.at("conv_bias"), false);
  EXPECT_THAT(model.at("conv_feature_layers").get<std::string>(),
              ::testing::StartsWith("[(24, 10, 5), (24, 3, 2)"));
  EXPECT_EQ(reference("tiny-large.fairseq.pt").entries.at("cfg").at("task").at("normalize"), true);
  EXPECT_EQ(reference("tiny.fairseq.legacy.pt").entries.at("args").at("encoder_layers"), 3)
      << "an argparse.Namespace";
  EXPECT_TRUE(reference("tiny.bare-state-dict.pt").entries.empty());
}

TEST(Oracle, HuggingFaceDirectoryBringsItsConfigs) {
  for (const char* name : {"tiny.hf", "tiny.hf/pytorch_model.bin", "tiny-large.hf"}) {
    const Checkpoint checkpoint = reference(name);
    EXPECT_EQ(checkpoint.hf_config.at("num_hidden_layers"), 3) << name;
    EXPECT_TRUE(checkpoint.hf_preprocessor.contains("do_normalize")) << name;
  }
  EXPECT_TRUE(reference("tiny.fairseq.pt").hf_config.is_null());
}

}  // namespace
}  // namespace contentvec::checkpoint
