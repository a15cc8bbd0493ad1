// export: every layout and precision loads again, says the same architecture and gives the same features.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::HasSubstr;

std::string oracle_file(const std::string& name) {
  return (test::oracle() / "checkpoints" / name).string();
}

std::vector<float> features_of(const Model& model, const test::Golden& golden, const Stage& stage) {
  return model
      .extract(golden.waveform, {.layer = stage.layer,
                                 .final_proj = stage.final_proj,
                                 .normalize = Normalize::kOff,
                                 .speaker_embedding = golden.speaker_embedding})
      .data;
}

struct ExportCase {
  std::string source;
  std::string golden;
  Layout layout;
  std::string layout_name;
};

std::ostream& operator<<(std::ostream& out, const ExportCase& c) {
  return out << c.source << " to " << c.layout_name;
}

class ExportTest : public testing::TestWithParam<ExportCase> {};

TEST_P(ExportTest, Float32ChangesNoBit) {
  const ExportCase& c = GetParam();
  const test::TemporaryFolder folder;
  const std::filesystem::path out = folder / "model.safetensors";
  const Model before = Model::load(oracle_file(c.source));
  const ModelInfo written = export_model(oracle_file(c.source), out, {.layout = c.layout});
  const Model after = Model::load(out.string());
  EXPECT_EQ(after.info().layout, c.layout_name);
  EXPECT_EQ(after.info().container, "safetensors");
  EXPECT_EQ(after.info().config_source, "metadata contentvec.config");
  EXPECT_EQ(after.info().tensors, written.tensors);
  ModelConfig expected = before.config();
  if (c.layout == Layout::kMlx) expected.final_dim = 0;
  EXPECT_EQ(after.config(), expected);
  const test::Golden golden = test::read_golden(c.golden);
  EXPECT_EQ(features_of(after, golden, {}), features_of(before, golden, {}));
  if (c.layout != Layout::kMlx) {
    EXPECT_EQ(features_of(after, golden, {1, true}), features_of(before, golden, {1, true}));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, ExportTest,
    testing::Values(ExportCase{"tiny.fairseq.pt", "tiny.721", Layout::kFairseq, "fairseq"},
                    ExportCase{"tiny.fairseq.pt", "tiny.721", Layout::kHf, "hf"},
                    ExportCase{"tiny.fairseq.pt", "tiny.721", Layout::kMlx, "mlx"},
                    ExportCase{"tiny.hf", "tiny.721", Layout::kFairseq, "fairseq"},
                    ExportCase{"tiny-large.fairseq.pt", "tiny-large.721", Layout::kHf, "hf"},
                    ExportCase{"tiny-large.hf", "tiny-large.721", Layout::kMlx, "mlx"},
                    ExportCase{"tiny-speaker.contentvec.pt", "tiny-speaker.721", Layout::kFairseq, "fairseq"},
                    ExportCase{"tiny-speaker.contentvec.pt", "tiny-speaker.721", Layout::kMlx, "mlx"}),
    [](const auto& test) {
      std::string name = test.param.source + "_" + test.param.layout_name;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

TEST(Export, Float16IsExactForAFloat16File) {
  const test::TemporaryFolder folder;
  const std::filesystem::path half = folder / "half.safetensors";
  export_model(oracle_file("tiny.fairseq.fp16.pt"), half, {.dtype = DType::kF16});
  const test::Golden golden = test::read_golden("tiny.721");
  EXPECT_EQ(features_of(Model::load(half.string()), golden, {}),
            features_of(Model::load(oracle_file("tiny.fairseq.fp16.pt")), golden, {}));
  EXPECT_LT(std::filesystem::file_size(half), 190000U);
}

TEST(Export, Float16RoundsToNearestEven) {
  const test::TemporaryFolder folder;
  const std::filesystem::path half = folder / "half.safetensors";
  export_model(oracle_file("tiny.fairseq.pt"), half, {.dtype = DType::kF16});
  // torch made the float16 checkpoint from the same weights
  const checkpoint::Checkpoint ours = checkpoint::open(half);
  const checkpoint::Checkpoint torchs = checkpoint::open(oracle_file("tiny.fairseq.fp16.pt"));
  for (const auto& [name, tensor] : ours.tensors) {
    EXPECT_EQ(test::read(tensor), test::read(torchs.tensors.at(name))) << name;
  }
}

TEST(Export, WritesTheFilesTransformersNeeds) {
  const test::TemporaryFolder folder;
  const std::filesystem::path out = folder / "model.safetensors";
  export_model(oracle_file("tiny-large.fairseq.pt"), out, {.layout = Layout::kHf});
  const auto ours = test::read_json(folder / "config.json");
  const auto theirs = test::read_json(test::oracle() / "checkpoints" / "tiny-large.hf" / "config.json");
  for (const auto& [key, value] : theirs.items()) {
    if (key == "torch_dtype" || key == "transformers_version") continue;
    EXPECT_EQ(ours.value(key, nlohmann::json()), value) << key;
  }
  // the folder alone, without our metadata's word, is read the same
  const ModelConfig from_config = ModelConfig::from_json_file(folder / "config.json");
  ModelConfig expected = Model::load(out.string()).config();
  EXPECT_EQ(expected.normalize, true) << "tiny-large.fairseq.pt says task.normalize";
  expected.normalize.reset();
  EXPECT_EQ(from_config, expected);
  EXPECT_EQ(checkpoint::open(folder.path()).hf_preprocessor.at("do_normalize"), true);
}

TEST(Export, LeavesAnotherModelsConfigAlone) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "config.json", "{\"hidden_size\": 1}");
  EXPECT_THAT(test::error_of([&] {
                export_model(oracle_file("tiny.fairseq.pt"), folder / "model.safetensors",
                             {.layout = Layout::kHf});
              }),
              HasSubstr("config.json"));
  EXPECT_FALSE(std::filesystem::exists(folder / "model.safetensors"));
  EXPECT_EQ(test::read_file(folder / "config.json").size(), 18U);
}

TEST(Export, RefusesWhatALayoutCannotSay) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(test::error_of([&] {
                export_model(oracle_file("tiny-speaker.contentvec.pt"), folder / "a.safetensors",
                             {.layout = Layout::kHf});
              }),
              HasSubstr("speaker"));
  const std::string oddpos = "synthetic:" + (test::oracle() / "configs" / "tiny-oddpos.json").string();
  EXPECT_THAT(
      test::error_of([&] { export_model(oddpos, folder / "a.safetensors", {.layout = Layout::kHf}); }),
      HasSubstr("projection"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Export, RefusesLayoutsItDoesNotWrite) {
  const test::TemporaryFolder folder;
  const std::string source = oracle_file("tiny.fairseq.pt");
  for (const Layout layout : {Layout::kTorchaudio, Layout::kSoftVc}) {
    EXPECT_THAT(test::error_of([&] { export_model(source, folder / "a.safetensors", {.layout = layout}); }),
                HasSubstr("export writes the names of fairseq, hf or mlx; those of " +
                          std::string(layout_name(layout)) + " were asked for"));
    EXPECT_THROW((void)read_weights(source, "", {.layout = layout}), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Layout, Names) {
  for (const char* name : {"fairseq", "hf", "mlx", "torchaudio", "soft-vc"}) {
    EXPECT_EQ(layout_name(layout_from_name(name)), name);
  }
  EXPECT_THROW((void)layout_from_name("onnx"), Error);
}

TEST(ReadWeights, GivesWhatExportWrites) {
  const test::TemporaryFolder folder;
  const std::string out = (folder / "model.safetensors").string();
  for (const Layout layout : {Layout::kFairseq, Layout::kMlx}) {
    const ExportOptions options = {.layout = layout};
    export_model(oracle_file("tiny.fairseq.pt"), out, options);
    const auto file = checkpoint::open(out);
    const std::vector<WeightTensor> weights = read_weights(oracle_file("tiny.fairseq.pt"), "", options);
    ASSERT_EQ(weights.size(), file.tensors.size());
    for (const WeightTensor& tensor : weights) {
      const checkpoint::Tensor& written = file.tensors.at(tensor.name);
      EXPECT_EQ(tensor.shape, written.shape) << tensor.name;
      std::vector<float> values(tensor.values.size());
      written.copy_to(values);
      EXPECT_EQ(tensor.values, values) << tensor.name;
    }
  }
}

TEST(ReadWeights, GivesThoseAskedFor) {
  const std::vector<WeightTensor> weights = read_weights(oracle_file("tiny.fairseq.pt"), "final_proj.");
  ASSERT_EQ(weights.size(), 2U);
  EXPECT_EQ(weights[0].name, "final_proj.weight");
  EXPECT_EQ(weights[0].shape, (std::vector<int64_t>{20, 48}));
}

TEST(Inspect, ReadsTheWholeFileForItsDigestOnly) {
  const std::string file = oracle_file("tiny.fairseq.pt");
  EXPECT_EQ(inspect(file).sha256.size(), 64U);
  EXPECT_EQ(inspect(file, {}, false).sha256, "");
  EXPECT_EQ(inspect(file, {}, false).config, inspect(file).config);
}

TEST(Export, SyntheticModelsBecomeFiles) {
  const test::TemporaryFolder folder;
  const std::string spec = "synthetic:" + (test::oracle() / "configs" / "tiny-oddpos.json").string();
  export_model(spec, folder / "model.safetensors");
  const test::Golden golden = test::read_golden("tiny-oddpos.721");
  EXPECT_EQ(features_of(Model::load((folder / "model.safetensors").string()), golden, {}),
            features_of(Model::load(spec), golden, {}));
}

}  // namespace
}  // namespace contentvec
