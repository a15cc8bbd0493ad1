#include "batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

namespace contentvec::test {
namespace {

/// Pre-norm blocks that add nothing, so that layer 1 is what the positional convolution makes of the
/// projected features.
std::map<std::string, Reference> tensors_without_blocks(const ModelConfig& config) {
  std::map<std::string, Reference> tensors = synthetic_tensors(config);
  for (auto& [name, tensor] : tensors) {
    if (name.find(".out_proj.") != std::string::npos || name.find(".fc2.") != std::string::npos)
      std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
  }
  return tensors;
}

/// x + GELU(conv(BatchNorm(x))) by its definition, in double; `x`: [frames, width].
std::vector<float> expected_positions(const ModelConfig& c, const std::map<std::string, Reference>& tensors,
                                      const Features& x) {
  const auto value = [&](const char* name, int64_t i) {
    return static_cast<double>(tensors.at(name).values[static_cast<size_t>(i)]);
  };
  const int64_t width = c.encoder_embed_dim;
  const int64_t in_group = width / c.conv_pos_groups;
  const auto normed = [&](int64_t frame, int64_t channel) {
    if (frame < 0 || frame >= x.frames) return 0.0;
    const auto from = static_cast<double>(x.row(frame)[static_cast<size_t>(channel)]);
    return (from - value("encoder.pos_conv.0.running_mean", channel)) /
               std::sqrt(value("encoder.pos_conv.0.running_var", channel) + 1e-5) *
               value("encoder.pos_conv.0.weight", channel) +
           value("encoder.pos_conv.0.bias", channel);
  };
  std::vector<float> result;
  for (int64_t frame = 0; frame < x.frames; ++frame) {
    for (int64_t out = 0; out < width; ++out) {
      double sum = value("encoder.pos_conv.1.bias", out);
      for (int64_t in = 0; in < in_group; ++in) {
        for (int64_t tap = 0; tap < c.conv_pos; ++tap) {
          sum += value("encoder.pos_conv.1.weight", (out * in_group + in) * c.conv_pos + tap) *
                 normed(frame + tap - c.conv_pos / 2, out / in_group * in_group + in);
        }
      }
      const double gelu = 0.5 * sum * (1 + std::erf(sum / std::numbers::sqrt2));
      result.push_back(
          static_cast<float>(static_cast<double>(x.row(frame)[static_cast<size_t>(out)]) + gelu));
    }
  }
  return result;
}

}  // namespace

void expect_batch_norm(Device device) {
  const TemporaryFolder folder;
  const std::string path = (folder / "m.safetensors").string();
  for (const char* sizes : {"tiny-large", "tiny-oddpos"}) {
    ModelConfig config = ModelConfig::from_json_file(oracle() / "configs" / (std::string(sizes) + ".json"));
    config.conv_pos_batch_norm = true;
    config.layer_norm_first = true;
    const std::map<std::string, Reference> tensors = tensors_without_blocks(config);
    write_tensors(path, tensors, {{"contentvec.config", config.to_json()}});
    const Model model = Model::load(path, {.device = device});
    EXPECT_TRUE(model.config().conv_pos_batch_norm);
    const std::vector<float> longer = read_golden("tiny.16000").waveform;
    const std::vector<float> shorter(longer.begin(), longer.begin() + 721);
    const std::vector<std::span<const float>> batch = {longer, shorter};
    const std::vector<Stage> stages = {{.layer = kProjected}, {.layer = 1}};
    for (const auto& utterance : model.extract_batch_stages(batch, stages, {.normalize = Normalize::kOff})) {
      EXPECT_LT(max_abs_error(utterance[1].data, expected_positions(config, tensors, utterance[0])), 1e-5)
          << sizes << ", " << utterance[0].frames << " frames";
    }
  }
}

}  // namespace contentvec::test
