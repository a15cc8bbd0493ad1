#include "cpu/packed_model.h"

#include <fmt/format.h>

#include <cmath>

#include "model/axes.h"

namespace contentvec::cpu {
namespace {

void append(std::vector<float>& to, const std::vector<float>& values) {
  to.insert(to.end(), values.begin(), values.end());
}

/// Reads and packs tensors by name.
class Packer {
 public:
  Packer(const Kernels& kernels, const model::Weights& weights) : kernels_(kernels), weights_(weights) {}

  [[nodiscard]] std::vector<float> read(const std::string& name) const { return weights_.read(name); }
  [[nodiscard]] std::vector<float> read_if(bool wanted, const std::string& name) const {
    return wanted ? read(name) : std::vector<float>();
  }
  [[nodiscard]] Norm norm(const std::string& name) const {
    return {read(name + ".weight"), read(name + ".bias")};
  }

  [[nodiscard]] BlockNorm block_norm(const std::string& name, bool conditional) const {
    if (!conditional) return {norm(name), {}};
    return {{}, {read(name + ".weight_ln.weight"), read(name + ".bias_ln.weight")}};
  }

  /// A linear layer: weight [columns, depth] and bias [columns].
  [[nodiscard]] PackedMatrix linear(const std::string& name, int64_t columns, int64_t depth) const {
    return {kernels_, read(name + ".weight"), columns, depth, read(name + ".bias")};
  }

  [[nodiscard]] PackedMatrix qkv(const std::string& attention, int64_t width, int64_t heads) const {
    const int64_t head_dim = width / heads;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
    std::vector<float> weight = read(attention + ".q_proj.weight");
    std::vector<float> bias = read(attention + ".q_proj.bias");
    for (float& value : weight) value *= scale;
    for (float& value : bias) value *= scale;
    for (const char* part : {".k_proj", ".v_proj"}) {
      append(weight, read(attention + part + ".weight"));
      append(bias, read(attention + part + ".bias"));
    }
    return {kernels_, weight, 3 * width, width, bias};
  }

  [[nodiscard]] PackedBlock block(const ModelConfig& c, int index) const {
    const std::string name = fmt::format("encoder.layers.{}", index);
    const bool conditional = index >= c.encoder_layers;
    const int64_t width = c.encoder_embed_dim;
    const int64_t inner = c.encoder_ffn_embed_dim;
    return {.qkv = qkv(name + ".self_attn", width, c.encoder_attention_heads),
            .out_proj = linear(name + ".self_attn.out_proj", width, width),
            .self_attn_layer_norm = block_norm(name + ".self_attn_layer_norm", conditional),
            .fc1 = linear(name + ".fc1", inner, width),
            .fc2 = linear(name + ".fc2", width, inner),
            .final_layer_norm = block_norm(name + ".final_layer_norm", conditional)};
  }

  /// Tap-major: the time-major rows of the left side hold one tap after the other.
  [[nodiscard]] PackedConv conv(const ModelConfig& c, int index) const {
    const std::string name = fmt::format("feature_extractor.conv_layers.{}", index);
    const ConvLayer& layer = c.conv_layers[static_cast<size_t>(index)];
    const int64_t in = index == 0 ? 1 : c.conv_layers[static_cast<size_t>(index) - 1].dim;
    const std::vector<float> weight =
        model::swap_last_axes(read(name + ".0.weight"), layer.dim, in, layer.kernel);
    PackedConv packed;
    packed.matrix = {index == 0 ? *kernels_.float32 : kernels_, weight, layer.dim, layer.kernel * in,
                     read_if(c.conv_bias, name + ".0.bias")};
    if (c.extractor_mode == ExtractorMode::kLayerNorm) packed.layer_norm = norm(name + ".2.1");
    return packed;
  }

  /// One matrix per group: [width / groups, kernel * (width / groups)].
  [[nodiscard]] std::vector<PackedMatrix> pos_conv(const ModelConfig& c) const {
    const int64_t group_width = c.encoder_embed_dim / c.conv_pos_groups;
    const std::vector<float> weight =
        model::swap_last_axes(weights_.read_pos_conv(), c.encoder_embed_dim, group_width, c.conv_pos);
    const std::vector<float> bias = read("encoder.pos_conv.0.bias");
    const int64_t depth = c.conv_pos * group_width;
    std::vector<PackedMatrix> groups;
    for (int64_t g = 0; g < c.conv_pos_groups; ++g) {
      const auto rows = std::span(weight).subspan(static_cast<size_t>(g * group_width * depth),
                                                  static_cast<size_t>(group_width * depth));
      const auto shift =
          std::span(bias).subspan(static_cast<size_t>(g * group_width), static_cast<size_t>(group_width));
      groups.emplace_back(kernels_, rows, group_width, depth, shift);
    }
    return groups;
  }

 private:
  const Kernels& kernels_;
  const model::Weights& weights_;
};

}  // namespace

PackedModel::PackedModel(const Kernels& kernels, const model::Weights& weights) : config(weights.config()) {
  const Packer packer(kernels, weights);
  const ModelConfig& c = config;
  int first_plain_conv = 0;
  if (c.extractor_mode != ExtractorMode::kLayerNorm) {
    const std::string name = "feature_extractor.conv_layers.0";
    first_conv = {packer.read(name + ".0.weight"), packer.read_if(c.conv_bias, name + ".0.bias"),
                  packer.norm(name + ".2")};
    convs.emplace_back();
    first_plain_conv = 1;
  }
  for (int i = first_plain_conv; i < static_cast<int>(c.conv_layers.size()); ++i)
    convs.push_back(packer.conv(c, i));
  if (c.feat_proj_layer_norm) feature_norm = packer.norm("layer_norm");
  if (weights.has("post_extract_proj.weight")) {
    projection = packer.linear("post_extract_proj", c.encoder_embed_dim, c.conv_layers.back().dim);
  }
  pos_conv = packer.pos_conv(c);
  encoder_norm = packer.norm("encoder.layer_norm");
  for (int i = 0; i < c.total_layers(); ++i) blocks.push_back(packer.block(c, i));
  if (c.final_dim > 0) final_proj = packer.linear("final_proj", c.final_dim, c.encoder_embed_dim);
}

}  // namespace contentvec::cpu
