// Every container and layout of the oracle gives the golden features.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

struct CheckpointCase {
  std::string file;
  std::string config;  ///< the golden files' name
  bool needs_config;   ///< says nothing of its architecture, and 64 does not divide its width
  std::string container;
  std::string layout;
  std::string config_source;
  bool normalize;
  bool half = false;  ///< float16 weights: not the golden ones, but near
};

std::ostream& operator<<(std::ostream& out, const CheckpointCase& c) {
  return out << c.file;
}

class CheckpointTest : public testing::TestWithParam<CheckpointCase> {};

TEST_P(CheckpointTest, GivesTheGoldenFeatures) {
  const CheckpointCase& c = GetParam();
  const std::string path = (test::oracle() / "checkpoints" / c.file).string();
  LoadOptions options;
  if (c.needs_config) {
    EXPECT_THAT(test::error_of([&] { Model::load(path); }), testing::HasSubstr("--config"));
    options.config = ModelConfig::from_json_file(test::oracle() / "configs" / (c.config + ".json"));
  }
  const Model model = Model::load(path, options);
  EXPECT_EQ(model.info().container, c.container);
  EXPECT_EQ(model.info().layout, c.layout);
  EXPECT_EQ(model.info().config_source, c.config_source);
  EXPECT_EQ(model.config().normalize, c.normalize);
  EXPECT_THAT(model.info().warnings, testing::IsEmpty());
  for (const char* samples : {".400", ".721", ".16000"}) {
    const test::Golden golden = test::read_golden(c.config + samples);
    for (const auto& [name, reference] : golden.stages) {
      if (name == "final_proj" && model.config().final_dim == 0) continue;
      const Stage stage = golden.stage_of(name, model.config());
      // the golden waveforms were not normalised, whatever the checkpoint asks for
      const Features features =
          model.extract(golden.waveform, {.layer = stage.layer,
                                          .final_proj = stage.final_proj,
                                          .normalize = Normalize::kOff,
                                          .speaker_embedding = golden.speaker_embedding});
      // Half precision moves each weight by up to 2^-12 of itself; through three blocks that stays below
      // 2e-2.
      EXPECT_LE(test::max_abs_error(features.data, reference.values), c.half ? 2e-2 : golden.tolerance(name))
          << golden.name << " " << name;
    }
  }
}

const std::string kCfg = "cfg in the checkpoint";
const std::string kGiven = "given by the caller";

INSTANTIATE_TEST_SUITE_P(
    Oracle, CheckpointTest,
    testing::Values(
        CheckpointCase{"tiny.fairseq.pt", "tiny", false, "torch zip", "fairseq", kCfg, false},
        CheckpointCase{"tiny.fairseq.legacy.pt", "tiny", false, "torch legacy", "fairseq", kCfg, false},
        CheckpointCase{"tiny.fairseq.fp16.pt", "tiny", false, "torch zip", "fairseq", kCfg, false, true},
        CheckpointCase{"tiny.bare-state-dict.pt", "tiny", true, "torch zip", "fairseq", kGiven, false},
        CheckpointCase{"tiny-large.fairseq.pt", "tiny-large", false, "torch zip", "fairseq", kCfg, true},
        CheckpointCase{"tiny-speaker.contentvec.pt", "tiny-speaker", false, "torch zip", "fairseq", kCfg,
                       false},
        CheckpointCase{"tiny.hf", "tiny", false, "torch zip", "hf", "config.json", false},
        CheckpointCase{"tiny-large.hf", "tiny-large", false, "safetensors", "hf", "config.json", true},
        CheckpointCase{"tiny.hf-ctc-prefix.safetensors", "tiny", true, "safetensors", "hf", kGiven, false},
        CheckpointCase{"tiny.mlx.safetensors", "tiny", true, "safetensors", "mlx", kGiven, false},
        CheckpointCase{"tiny.mlx-flat.safetensors", "tiny", true, "safetensors", "mlx", kGiven, false}),
    [](const auto& test) {
      std::string name = test.param.file;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

}  // namespace
}  // namespace contentvec
