#include "hubert/mlx/parameters.h"

#include <fmt/format.h>

#include "tensors/axes.h"

namespace contentvec::mlx {
namespace {

int to_int(int64_t size) {
  return static_cast<int>(size);
}

/// A grouped convolution's weight [groups * width, width, kernel] as BlockConv has it.
std::vector<float> in_blocks(const std::vector<float>& weight, int64_t groups, int64_t width,
                             int64_t kernel) {
  constexpr int64_t kBlock = BlockConv::kBlock;
  const int64_t columns = kBlock * width;
  const int64_t size = (kBlock + kernel - 1) * width * columns;  // of a group's matrix
  std::vector<float> blocks(static_cast<size_t>(groups * size));
  const float* from = weight.data();
  for (int64_t group = 0; group < groups; ++group) {
    float* matrix = blocks.data() + group * size;
    for (int64_t out = 0; out < width; ++out) {
      for (int64_t in = 0; in < width; ++in) {
        for (int64_t tap = 0; tap < kernel; ++tap, ++from) {
          for (int64_t frame = 0; frame < kBlock; ++frame)
            matrix[((frame + tap) * width + in) * columns + frame * width + out] = *from;
        }
      }
    }
  }
  return blocks;
}

/// Reads tensors by name and hands them to MLX, one at a time, so that host and device hold little twice.
class Uploader {
 public:
  Uploader(const hubert::Weights& weights, DType dtype, mx::Stream stream)
      : weights_(weights), config_(weights.config()), dtype_(product_type(dtype)), stream_(stream) {}

  [[nodiscard]] std::vector<Conv> convs() const {
    std::vector<Conv> convs;
    convs.reserve(config_.conv_layers.size());
    for (int i = 0; i < static_cast<int>(config_.conv_layers.size()); ++i) convs.push_back(conv(i));
    return convs;
  }

  [[nodiscard]] BlockConv pos_conv() const {
    const int groups = config_.conv_pos_groups;
    const int width = config_.encoder_embed_dim / groups;
    const int window = BlockConv::kBlock + config_.conv_pos - 1;
    const std::vector<float> weight = in_blocks(weights_.read_pos_conv(), groups, width, config_.conv_pos);
    return {upload(weight, {groups, window * width, BlockConv::kBlock * width}, dtype_),
            vector(hubert::pos_conv_name(config_) + ".bias", mx::float32)};
  }

  [[nodiscard]] std::optional<BatchNorm> pos_conv_norm() const {
    if (!config_.conv_pos_batch_norm) return std::nullopt;
    const hubert::Weights::BatchNorm norm = weights_.read_batch_norm();
    const mx::Shape shape = {config_.encoder_embed_dim};
    return BatchNorm{upload(norm.mean, shape, mx::float32), upload(norm.scale, shape, mx::float32),
                     upload(norm.shift, shape, mx::float32)};
  }

  [[nodiscard]] Norm norm(const std::string& name) const {
    return {vector(name + ".weight", mx::float32), vector(name + ".bias", mx::float32)};
  }
  [[nodiscard]] std::optional<Norm> norm_if(bool wanted, const std::string& name) const {
    return wanted ? std::optional(norm(name)) : std::nullopt;
  }

  [[nodiscard]] Linear linear(const std::string& name) const {
    return {matrix(weights_.read(name + ".weight"), out_of(name + ".weight"), dtype_),
            vector(name + ".bias", dtype_)};
  }
  [[nodiscard]] std::optional<Linear> linear_if_there(const std::string& name) const {
    return weights_.has(name + ".weight") ? std::optional(linear(name)) : std::nullopt;
  }

  [[nodiscard]] std::vector<Block> blocks() const {
    std::vector<Block> blocks;
    for (int i = 0; i < config_.total_layers(); ++i) {
      const std::string name = fmt::format("encoder.layers.{}", i);
      const bool conditional = i >= config_.encoder_layers;
      blocks.push_back({qkv(name + ".self_attn"), linear(name + ".self_attn.out_proj"), linear(name + ".fc1"),
                        linear(name + ".fc2"), block_norm(name + ".self_attn_layer_norm", conditional),
                        block_norm(name + ".final_layer_norm", conditional)});
    }
    return blocks;
  }

 private:
  [[nodiscard]] mx::array upload(const std::vector<float>& values, mx::Shape shape, mx::Dtype type) const {
    mx::array array = mx::astype(mx::array(values.begin(), std::move(shape), mx::float32), type, stream_);
    array.eval();
    return array;
  }
  [[nodiscard]] mx::array vector(const std::string& name, mx::Dtype type) const {
    const std::vector<float> values = weights_.read(name);
    return upload(values, {to_int(static_cast<int64_t>(values.size()))}, type);
  }
  /// [out, in] as [in, out].
  [[nodiscard]] mx::array matrix(const std::vector<float>& values, int out, mx::Dtype type) const {
    const int in = to_int(static_cast<int64_t>(values.size()) / out);
    mx::array array = mx::transpose(upload(values, {out, in}, type), stream_);
    array.eval();
    return array;
  }
  [[nodiscard]] int out_of(const std::string& name) const {
    return to_int(weights_.named().shape(name).front());
  }

  /// conv 0 is float32 whatever the products are in: ten products a sum cost nothing, and the waveform may be
  /// anywhere in its range.
  [[nodiscard]] Conv conv(int index) const {
    const std::string name = fmt::format("feature_extractor.conv_layers.{}", index);
    const ConvLayer& layer = config_.conv_layers[static_cast<size_t>(index)];
    const int in = index == 0 ? 1 : config_.conv_layers[static_cast<size_t>(index) - 1].dim;
    const std::vector<float> weight =
        tensors::swap_last_axes(weights_.read(name + ".0.weight"), layer.dim, in, layer.kernel);
    const bool layer_norm = config_.extractor_mode == ExtractorMode::kLayerNorm;
    const bool group_norm = index == 0 && !layer_norm;
    const mx::Dtype type = index == 0 ? mx::float32 : dtype_;
    return {matrix(weight, layer.dim, type),
            config_.conv_bias && !group_norm ? std::optional(vector(name + ".0.bias", type)) : std::nullopt,
            norm_if(layer_norm, name + ".2.1"), norm_if(group_norm, name + ".2")};
  }

  [[nodiscard]] Linear qkv(const std::string& attention) const {
    std::vector<float> weight;
    std::vector<float> bias;
    const auto append = [&](std::vector<float>& to, const std::string& name) {
      const std::vector<float> part = weights_.read(name);
      to.insert(to.end(), part.begin(), part.end());
    };
    for (const char* part : {".q_proj", ".k_proj", ".v_proj"}) {
      append(weight, attention + part + ".weight");
      append(bias, attention + part + ".bias");
    }
    const int out = 3 * config_.encoder_embed_dim;
    return {matrix(weight, out, dtype_), upload(bias, {out}, dtype_)};
  }

  [[nodiscard]] BlockNorm block_norm(const std::string& name, bool conditional) const {
    if (!conditional) return {norm(name), {}, {}};
    const auto by_speaker = [&](const char* part) {
      return matrix(weights_.read(name + part), config_.encoder_embed_dim, mx::float32);
    };
    return {{}, by_speaker(".weight_ln.weight"), by_speaker(".bias_ln.weight")};
  }

  const hubert::Weights& weights_;
  const ModelConfig& config_;
  mx::Dtype dtype_;
  mx::Stream stream_;
};

}  // namespace

mx::Dtype product_type(DType dtype) {
  switch (dtype) {
    case DType::kBF16:
      return mx::bfloat16;
    case DType::kF16:
      return mx::float16;
    case DType::kF32:
    case DType::kTF32:
      break;
  }
  return mx::float32;
}

Parameters upload_parameters(const hubert::Weights& weights, DType dtype, mx::Stream stream) {
  const Uploader uploader(weights, dtype, stream);
  return {uploader.convs(),
          uploader.norm_if(weights.config().feat_proj_layer_norm, "layer_norm"),
          uploader.linear_if_there("post_extract_proj"),
          uploader.pos_conv_norm(),
          uploader.pos_conv(),
          uploader.norm("encoder.layer_norm"),
          uploader.blocks(),
          uploader.linear_if_there("final_proj")};
}

}  // namespace contentvec::mlx
