#include "cpu/packed_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "model/axes.h"
#include "runtime/thread_team.h"

namespace contentvec::cpu {
namespace {

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

  /// A linear layer: weight [columns, depth] and bias [columns]. `buffer` is used on the way, so that its
  /// memory serves one matrix after the other.
  [[nodiscard]] PackedMatrix linear(const std::string& name, int64_t columns, int64_t depth,
                                    std::vector<float>& buffer) const {
    buffer.resize(static_cast<size_t>(columns * depth));
    weights_.read_into(name + ".weight", buffer);
    return {kernels_, buffer, columns, depth, read(name + ".bias")};
  }

  [[nodiscard]] PackedMatrix qkv(const std::string& attention, int64_t width, int64_t heads,
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

  /// Kernel 3 and stride 2; and an even stride after it, so that in every tile the first row is an even one.
  /// In bfloat16 differences would be rounded that the convolution itself does not have.
  [[nodiscard]] bool has_fast_fir(const ModelConfig& c, size_t index) const {
    const std::vector<ConvLayer>& convs = c.conv_layers;
    return index > 0 && index + 1 < convs.size() && convs[index].kernel == 3 && convs[index].stride == 2 &&
           convs[index + 1].stride % 2 == 0 && &kernels_ == kernels_.float32;
  }

  /// Tap-major: the time-major rows of the left side hold one tap after the other.
  [[nodiscard]] PackedConv conv(const ModelConfig& c, int index) const {
    const std::string name = fmt::format("feature_extractor.conv_layers.{}", index);
    const ConvLayer& layer = c.conv_layers[static_cast<size_t>(index)];
    const int64_t in = index == 0 ? 1 : c.conv_layers[static_cast<size_t>(index) - 1].dim;
    const std::vector<float> weight =
        model::swap_last_axes(read(name + ".0.weight"), layer.dim, in, layer.kernel);
    const std::vector<float> bias = read_if(c.conv_bias, name + ".0.bias");
    PackedConv packed;
    if (has_fast_fir(c, static_cast<size_t>(index))) {
      packed.fast_fir = fast_fir(weight, layer.dim, in, bias);
    } else {
      packed.matrix = {index == 0 ? *kernels_.float32 : kernels_, weight, layer.dim, layer.kernel * in, bias};
    }
    if (c.extractor_mode == ExtractorMode::kLayerNorm) packed.layer_norm = norm(name + ".2.1");
    return packed;
  }

  /// `weight`: [out, 3, in].
  [[nodiscard]] FastFir fast_fir(const std::vector<float>& weight, int64_t out, int64_t in,
                                 const std::vector<float>& bias) const {
    std::vector<float> shared;
    std::vector<float> even;
    std::vector<float> odd;
    for (auto w0 = weight.begin(); w0 != weight.end(); w0 += 3 * in) {
      const auto w1 = w0 + in;
      const auto w2 = w1 + in;
      std::transform(w0, w1, w2, std::back_inserter(shared), std::plus());
      even.insert(even.end(), w0, w2);
      odd.insert(odd.end(), w2, w2 + in);
      odd.insert(odd.end(), w1, w2);
    }
    return {{kernels_, shared, out, in, {}},
            {kernels_, even, out, 2 * in, bias},
            {kernels_, odd, out, 2 * in, bias}};
  }

  /// One matrix per group: [width / groups, kernel * (width / groups)].
  [[nodiscard]] std::vector<PackedMatrix> pos_conv(const ModelConfig& c) const {
    const int64_t group_width = c.encoder_embed_dim / c.conv_pos_groups;
    const std::vector<float> weight =
        model::swap_last_axes(weights_.read_pos_conv(), c.encoder_embed_dim, group_width, c.conv_pos);
    const std::vector<float> bias = read(model::pos_conv_name(c) + ".bias");
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

/// Most threads that pack at once: each holds a matrix or two as they are in the file, and memory is no
/// faster for more.
constexpr int kMaxPackers = 8;

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

PackedModel::PackedModel(const Kernels& kernels, const model::Weights& weights, int threads,
                         const RunTasks& run_tasks)
    : config(weights.config()) {
  const Packer packer(kernels, weights);
  const ModelConfig& c = config;
  Jobs jobs;
  jobs.emplace_back([&](std::vector<float>&) { pos_conv = packer.pos_conv(c); });  // first, being the longest
  convs.resize(c.conv_layers.size());
  int first_plain_conv = 0;
  if (c.extractor_mode != ExtractorMode::kLayerNorm) {
    const std::string name = "feature_extractor.conv_layers.0";
    first_conv = {packer.read(name + ".0.weight"), packer.norm(name + ".2")};
    first_plain_conv = 1;
  }
  for (int i = first_plain_conv; i < static_cast<int>(convs.size()); ++i) {
    jobs.emplace_back([&, i](std::vector<float>&) { convs[static_cast<size_t>(i)] = packer.conv(c, i); });
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
  ThreadTeam team(std::min(threads, kMaxPackers), run_tasks);
  std::vector<std::vector<float>> buffers(static_cast<size_t>(team.size()));
  team.parallel_for(static_cast<int64_t>(jobs.size()), [&](int64_t job, int thread) {
    jobs[static_cast<size_t>(job)](buffers[static_cast<size_t>(thread)]);
  });
}

}  // namespace contentvec::cpu
