// Other programs' tensor names give the golden features; so does what wrappers leave in names.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contentvec/model.h"
#include "golden.h"
#include "hubert/layout.h"
#include "support.h"

namespace contentvec {
namespace {

using Tensors = std::map<std::string, test::Reference>;

ModelConfig oracle_config(const std::string& name) {
  return ModelConfig::from_json_file(test::oracle() / "configs" / (name + ".json"));
}

/// As another program names and packs them.
Tensors in_layout(const Tensors& tensors, Layout layout) {
  Tensors result;
  for (const char* part : {".q_proj.", ".k_proj.", ".v_proj.", ""}) {  // in the order they are packed in
    for (const auto& [name, tensor] : tensors) {
      if (name.find(part) == std::string::npos) continue;
      const std::string to = hubert::name_in_layout(layout, name);
      if (*part == '\0' && result.contains(to)) continue;
      test::Reference& packed = result[to];
      packed.values.insert(packed.values.end(), tensor.values.begin(), tensor.values.end());
      const int64_t rows = packed.shape.empty() ? 0 : packed.shape.front();
      packed.shape = tensor.shape;
      packed.shape.front() += rows;
    }
  }
  return result;
}

struct LayoutCase {
  Layout layout;
  std::string config;
  std::string prefix;
};

class LayoutTest : public testing::TestWithParam<LayoutCase> {};

TEST_P(LayoutTest, GivesTheGoldenFeatures) {
  const auto& [layout, config, prefix] = GetParam();
  const test::TemporaryFolder folder;
  const std::string path = (folder / "m.safetensors").string();
  Tensors tensors;
  for (const auto& [name, tensor] : in_layout(test::synthetic_tensors(oracle_config(config)), layout))
    tensors[prefix + name] = tensor;
  test::write_tensors(path, tensors);
  const Model loaded = Model::load(path, {.config = oracle_config(config)});
  EXPECT_EQ(loaded.info().layout, layout_name(layout));
  EXPECT_THAT(loaded.info().warnings, testing::IsEmpty());
  test::expect_golden(loaded, test::read_golden(config + ".721"));
}

INSTANTIATE_TEST_SUITE_P(Programs, LayoutTest,
                         testing::Values(LayoutCase{Layout::kSoftVc, "tiny", ""},
                                         LayoutCase{Layout::kSoftVc, "tiny", "module."},
                                         LayoutCase{Layout::kTorchaudio, "tiny", ""},
                                         LayoutCase{Layout::kTorchaudio, "tiny-large", "wav2vec2."},
                                         LayoutCase{Layout::kHf, "tiny", "_orig_mod.hubert."}),
                         [](const auto& test) {
                           return test::test_name(std::string(layout_name(test.param.layout)) + " " +
                                                  test.param.config + " " + test.param.prefix);
                         });

/// torch.compile, FSDP and activation checkpointing leave components anywhere in names.
TEST(Layouts, WrappersInsideNamesDoNotMatter) {
  const test::TemporaryFolder folder;
  const std::string path = (folder / "m.safetensors").string();
  Tensors tensors;
  for (const auto& [name, tensor] : test::synthetic_tensors(oracle_config("tiny"))) {
    std::string wrapped = name;
    if (wrapped.starts_with("encoder.layers.1."))
      wrapped.insert(wrapped.find("1.") + 2, "_checkpoint_wrapped_module.");
    tensors["module._orig_mod." + wrapped] = tensor;
  }
  test::write_tensors(path, tensors);
  const Model loaded = Model::load(path, {.config = oracle_config("tiny")});
  EXPECT_THAT(loaded.info().warnings, testing::IsEmpty());
  test::expect_golden(loaded, test::read_golden("tiny.721"));
}

}  // namespace
}  // namespace contentvec
