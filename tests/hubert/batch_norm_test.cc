// A BatchNorm before the positional convolution: its numbers, and its way through every layout.

#include "batch_norm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/checkpoint.h"
#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::HasSubstr;

TEST(BatchNorm, IsWhatItsDefinitionSaysUpToTheEdges) {
  test::expect_batch_norm(Device::kCpu);
}

class BatchNormTest : public testing::Test {
 protected:
  BatchNormTest() {
    config_ = ModelConfig::from_json_file(test::oracle() / "configs" / "tiny.json");
    config_.conv_pos_batch_norm = true;
    test::write_file(folder_ / "tiny-bn.json", config_.to_json());
  }
  [[nodiscard]] std::string spec() const { return "synthetic:" + (folder_ / "tiny-bn.json").string(); }
  static std::vector<float> features(const Model& model) {
    return model.extract(test::read_golden("tiny.721").waveform, {.normalize = Normalize::kOff}).data;
  }

  ModelConfig config_;
  test::TemporaryFolder folder_;
};

TEST_F(BatchNormTest, IsWrittenInEveryLayoutThatHasIt) {
  const std::vector<float> expected = features(Model::load(spec()));
  for (const auto& [layout, norm] : {std::pair{Layout::kFairseq, "encoder.pos_conv.0."},
                                     std::pair{Layout::kHf, "encoder.pos_conv_embed.batch_norm."}}) {
    const test::TemporaryFolder out;
    const std::string path = (out / "model.safetensors").string();
    export_model(spec(), path, {.layout = layout});
    const auto tensors = checkpoint::open(path).tensors;
    for (const char* part : {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
      EXPECT_TRUE(tensors.contains(std::string(norm) + part)) << norm << part;
    const Model after = Model::load(path);
    EXPECT_TRUE(after.config().conv_pos_batch_norm);
    EXPECT_EQ(features(after), expected);
    if (layout == Layout::kHf) {
      EXPECT_TRUE(ModelConfig::from_json_file(out / "config.json").conv_pos_batch_norm);
    }
  }
  EXPECT_THAT(
      test::error_of([&] { export_model(spec(), folder_ / "m.safetensors", {.layout = Layout::kMlx}); }),
      HasSubstr("BatchNorm"));
}

TEST_F(BatchNormTest, FasterFramesOrSlowerAreAsTheConfigurationSays) {
  config_.conv_layers.push_back({24, 2, 2});  // 25 frames a second, as mHuBERT's
  test::write_file(folder_ / "tiny-bn.json", config_.to_json());
  const Model model = Model::load(spec());
  EXPECT_EQ(model.config().hop(), 640);
  const Features features = model.extract(test::read_golden("tiny.16000").waveform);
  EXPECT_EQ(features.frames, 24);
}

}  // namespace
}  // namespace contentvec
