#include "hubert/packed_model.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>

#include "nn/packers.h"
#include "runtime/thread_team.h"
#include "tensors/axes.h"

namespace contentvec::hubert {
namespace {

std::string conv_name(size_t index) {
  return fmt::format("feature_extractor.conv_layers.{}", index);
}

/// Reads and packs tensors by name.
class Packer {
 public:
  Packer(const nn::Kernels& kernels, const Weights& weights) : kernels_(kernels), weights_(weights) {}

  [[nodiscard]] std::vector<float> read(const std::string& name) const { return weights_.read(name); }
  [[nodiscard]] std::vector<float> read_if(bool wanted, const std::string& name) const {
    return wanted ? read(name) : std::vector<float>();
  }
  [[nodiscard]] nn::Norm norm(const std::string& name) const {
    return {read(name + ".weight"), read(name + ".bias")};
  }

  [[nodiscard]] BlockNorm block_norm(const std::string& name, bool conditional) const {
    if (!conditional) return {norm(name), {}};
    return {{}, {read(name + ".weight_ln.weight"), read(name + ".bias_ln.weight")}};
  }

  /// A linear layer: weight [columns, depth] and bias [columns]. `buffer` is used on the way, so that its
  /// memory serves one matrix after the other.
  [[nodiscard]] nn::Linear linear(const std::string& name, int64_t columns, int64_t depth,
                                  std::vector<float>& buffer) const {
    buffer.resize(static_cast<size_t>(columns * depth));
    weights_.read_into(name + ".weight", buffer);
    return {kernels_, buffer, columns, depth, read(name + ".bias")};
  }

  [[nodiscard]] nn::Linear qkv(const std::string& attention, int64_t width, int64_t heads,
                               std::vector<float>& buffer) const {
    const auto part = static_cast<size_t>(width * width);
    buffer.resize(3 * part);
    std::vector<float> bias;
    size_t begin = 0;
    for (const char* name : {".q_proj", ".k_proj", ".v_proj"}) {
      weights_.read_into(attention + name + ".weight", std::span(buffer).subspan(begin, part));
      begin += part;
      const std::vector<float> of_part = read(attention + name + ".bias");
      bias.insert(bias.end(), of_part.begin(), of_part.end());
    }
    const int64_t head_dim = width / heads;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));  // of q
    for (float& value : std::span(buffer).first(part)) value *= scale;
    for (float& value : std::span(bias).first(static_cast<size_t>(width))) value *= scale;
    return {kernels_, buffer, 3 * width, width, bias};
  }

  /// [out, kernel, in]: tap-major, as the time-major rows of a product's left side hold one tap after the
  /// other.
  [[nodiscard]] std::vector<float> conv_weight(const ModelConfig& c, size_t index) const {
    const int64_t in = index == 0 ? 1 : c.conv_layers[index - 1].dim;
    return tensors::swap_last_axes(read(conv_name(index) + ".0.weight"), c.conv_layers[index].dim, in,
                                   c.conv_layers[index].kernel);
  }

  /// conv 0 of a LayerNorm frontend. In float32 whatever the weights are in: ten products a sum cost nothing,
  /// and the waveform may be anywhere in its range.
  [[nodiscard]] nn::PackedMatrix first_conv(const ModelConfig& c) const {
    const ConvLayer& layer = c.conv_layers.front();
    return {*kernels_.float32, conv_weight(c, 0), layer.dim, layer.kernel,
            read_if(c.conv_bias, conv_name(0) + ".0.bias")};
  }

  /// A later one.
  [[nodiscard]] nn::Conv1d conv(const ModelConfig& c, size_t index) const {
    const std::vector<ConvLayer>& convs = c.conv_layers;
    const ConvLayer& layer = convs[index];
    return {conv_kernels(kernels_),
            {.in = convs[index - 1].dim, .out = layer.dim, .kernel = layer.kernel, .stride = layer.stride},
            conv_weight(c, index),
            read_if(c.conv_bias, conv_name(index) + ".0.bias"),
            nn::Conv1d::Form::kFastWherePossible};
  }

  [[nodiscard]] PositionalConv pos_conv(const ModelConfig& c) const {
    const int64_t width = c.encoder_embed_dim;
    const int64_t groups = c.conv_pos_groups;
    const int64_t channels = width / groups;
    const std::vector<float> weight =
        tensors::swap_last_axes(weights_.read_pos_conv(), width, channels, c.conv_pos);
    const std::vector<float> bias = read(pos_conv_name(c) + ".bias");
    PositionalConv conv;
    if (kernels_.bfloat16) {
      conv.plain = {
          kernels_, {.in = width, .out = width, .kernel = c.conv_pos, .groups = groups}, weight, bias};
      return conv;
    }
    conv.fast.reserve(static_cast<size_t>(groups));
    const auto size = static_cast<size_t>(channels * c.conv_pos * channels);
    for (int64_t g = 0; g < groups; ++g) {
      const auto of_bias =
          std::span(bias).subspan(static_cast<size_t>(g * channels), static_cast<size_t>(channels));
      conv.fast.emplace_back(kernels_, channels, channels, c.conv_pos, 1,
                             std::span(weight).subspan(static_cast<size_t>(g) * size, size), of_bias);
    }
    return conv;
  }

 private:
  const nn::Kernels& kernels_;
  const Weights& weights_;
};

/// What is to be packed; each job is given a buffer of the thread it runs on.
using Jobs = std::vector<std::function<void(std::vector<float>& buffer)>>;

/// One transformer block's matrices, each a job of its own; the small tensors at once.
void add_block(const Packer& packer, const ModelConfig& c, int index, PackedBlock& block, Jobs& jobs) {
  const std::string name = fmt::format("encoder.layers.{}", index);
  const bool conditional = index >= c.encoder_layers;
  const int64_t width = c.encoder_embed_dim;
  const int64_t inner = c.encoder_ffn_embed_dim;
  block.self_attn_layer_norm = packer.block_norm(name + ".self_attn_layer_norm", conditional);
  block.final_layer_norm = packer.block_norm(name + ".final_layer_norm", conditional);
  jobs.emplace_back([=, &packer, &block, heads = c.encoder_attention_heads](std::vector<float>& buffer) {
    block.qkv = packer.qkv(name + ".self_attn", width, heads, buffer);
  });
  jobs.emplace_back([=, &packer, &block](std::vector<float>& buffer) {
    block.out_proj = packer.linear(name + ".self_attn.out_proj", width, width, buffer);
  });
  jobs.emplace_back([=, &packer, &block](std::vector<float>& buffer) {
    block.fc1 = packer.linear(name + ".fc1", inner, width, buffer);
  });
  jobs.emplace_back([=, &packer, &block](std::vector<float>& buffer) {
    block.fc2 = packer.linear(name + ".fc2", width, inner, buffer);
  });
}

}  // namespace

PackedModel::PackedModel(const nn::Kernels& kernels, const Weights& weights, int threads,
                         const RunTasks& run_tasks)
    : config(weights.config()) {
  const Packer packer(kernels, weights);
  const ModelConfig& c = config;
  Jobs jobs;
  jobs.emplace_back([&](std::vector<float>&) { pos_conv = packer.pos_conv(c); });  // first, being the longest
  convs.resize(c.conv_layers.size());
  if (c.extractor_mode == ExtractorMode::kLayerNorm) {
    first_conv = packer.first_conv(c);
    for (size_t i = 0; i < convs.size(); ++i) convs[i].layer_norm = packer.norm(conv_name(i) + ".2.1");
  } else {
    group_norm_conv = {packer.read(conv_name(0) + ".0.weight"), packer.norm(conv_name(0) + ".2")};
  }
  for (size_t i = 1; i < convs.size(); ++i) {
    jobs.emplace_back([&, i](std::vector<float>&) { convs[i].conv = packer.conv(c, i); });
  }
  if (c.feat_proj_layer_norm) feature_norm = packer.norm("layer_norm");
  if (weights.has("post_extract_proj.weight")) {
    jobs.emplace_back([&](std::vector<float>& buffer) {
      projection = packer.linear("post_extract_proj", c.encoder_embed_dim, c.conv_layers.back().dim, buffer);
    });
  }
  pos_conv_norm = weights.read_batch_norm();
  encoder_norm = packer.norm("encoder.layer_norm");
  blocks.resize(static_cast<size_t>(c.total_layers()));
  for (int i = 0; i < c.total_layers(); ++i) add_block(packer, c, i, blocks[static_cast<size_t>(i)], jobs);
  if (c.final_dim > 0) {
    jobs.emplace_back([&](std::vector<float>& buffer) {
      final_proj = packer.linear("final_proj", c.final_dim, c.encoder_embed_dim, buffer);
    });
  }
  ThreadTeam team = nn::Packers{threads, run_tasks}.team();
  std::vector<std::vector<float>> buffers(static_cast<size_t>(team.size()));
  team.parallel_for(static_cast<int64_t>(jobs.size()), [&](int64_t job, int thread) {
    jobs[static_cast<size_t>(job)](buffers[static_cast<size_t>(thread)]);
  });
}

}  // namespace contentvec::hubert
