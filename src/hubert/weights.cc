#include "hubert/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/fail.h"
#include "tensors/batch_norm.h"
#include "tensors/weight_norm.h"

namespace contentvec::hubert {
namespace {

/// Builds the table; `add` lines read like the reference's parameter list.
class TableBuilder {
 public:
  void add(std::string name, std::vector<int64_t> shape) {
    table_.push_back({std::move(name), std::move(shape)});
  }
  void add_weight_and_bias(const std::string& name, std::vector<int64_t> weight_shape) {
    const int64_t out = weight_shape.front();
    add(name + ".weight", std::move(weight_shape));
    add(name + ".bias", {out});
  }

  void frontend(const ModelConfig& c) {
    int64_t in = 1;
    for (size_t i = 0; i < c.conv_layers.size(); ++i) {
      const std::string name = fmt::format("feature_extractor.conv_layers.{}", i);
      const ConvLayer& conv = c.conv_layers[i];
      add(name + ".0.weight", {conv.dim, in, conv.kernel});
      if (c.conv_bias) add(name + ".0.bias", {conv.dim});
      if (c.extractor_mode == ExtractorMode::kLayerNorm) {
        add_weight_and_bias(name + ".2.1", {conv.dim});
      } else if (i == 0) {
        add_weight_and_bias(name + ".2", {conv.dim});
      }
      in = conv.dim;
    }
  }

  void positional_conv(const ModelConfig& c, bool weight_norm) {
    const int64_t width = c.encoder_embed_dim;
    const std::vector<int64_t> shape = {width, width / c.conv_pos_groups, c.conv_pos};
    if (c.conv_pos_batch_norm) {
      add_weight_and_bias("encoder.pos_conv.0", {width});
      add(kPosConvBatchNorm, {width});
      add("encoder.pos_conv.0.running_var", {width});
    }
    const std::string name = pos_conv_name(c);
    add(name + ".bias", {width});
    if (weight_norm) {
      add(name + ".weight_g", {1, 1, c.conv_pos});
      add(name + ".weight_v", shape);
    } else {
      add(name + ".weight", shape);
    }
  }

  void block(const ModelConfig& c, int index) {
    const std::string name = fmt::format("encoder.layers.{}", index);
    const int64_t width = c.encoder_embed_dim;
    const int64_t inner = c.encoder_ffn_embed_dim;
    for (const char* part : {"k_proj", "v_proj", "q_proj", "out_proj"}) {
      add_weight_and_bias(name + ".self_attn." + part, {width, width});
    }
    add_weight_and_bias(name + ".fc1", {inner, width});
    add_weight_and_bias(name + ".fc2", {width, inner});
    for (const char* norm : {".self_attn_layer_norm", ".final_layer_norm"}) {
      if (index < c.encoder_layers) {
        add_weight_and_bias(name + norm, {width});
      } else {
        add(name + norm + ".weight_ln.weight", {width, c.speaker_dim});
        add(name + norm + ".bias_ln.weight", {width, c.speaker_dim});
      }
    }
  }

  std::vector<tensors::TensorSpec> release() { return std::move(table_); }

 private:
  std::vector<tensors::TensorSpec> table_;
};

}  // namespace

std::vector<tensors::TensorSpec> tensor_table(const ModelConfig& config, const TensorForms& forms) {
  TableBuilder table;
  table.frontend(config);
  const int64_t conv_width = config.conv_layers.back().dim;
  if (config.feat_proj_layer_norm) table.add_weight_and_bias("layer_norm", {conv_width});
  if (conv_width != config.encoder_embed_dim || forms.projection) {
    table.add_weight_and_bias("post_extract_proj", {config.encoder_embed_dim, conv_width});
  }
  table.positional_conv(config, forms.weight_norm);
  for (int i = 0; i < config.total_layers(); ++i) table.block(config, i);
  table.add_weight_and_bias("encoder.layer_norm", {config.encoder_embed_dim});
  if (config.final_dim > 0)
    table.add_weight_and_bias("final_proj", {config.final_dim, config.encoder_embed_dim});
  return table.release();
}

Weights::Weights(ModelConfig config, TensorForms forms, tensors::NamedTensors tensors)
    : config_(std::move(config)), forms_(forms), tensors_(std::move(tensors)) {}

std::vector<float> Weights::read_pos_conv() const {
  return tensors::read_weight(tensors_, pos_conv_name(config_), kPosConvNormAxis);
}

Weights::BatchNorm Weights::read_batch_norm() const {
  if (!config_.conv_pos_batch_norm) return {};
  const tensors::BatchNorm norm = tensors::read_batch_norm(tensors_, "encoder.pos_conv.0");
  return {norm.mean, {norm.scale.begin(), norm.scale.end()}, norm.shift};
}

}  // namespace contentvec::hubert
