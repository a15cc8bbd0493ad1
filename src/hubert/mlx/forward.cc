#include "hubert/mlx/forward.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace contentvec::mlx {

std::vector<mx::array> PassInputs::as_list() const {
  std::vector<mx::array> list = {waveform, lengths};
  if (group_norm) list.insert(list.end(), {group_norm->scale, group_norm->shift});
  if (speaker) list.push_back(*speaker);
  return list;
}

PassInputs PassInputs::from_list(const ModelConfig& config, const std::vector<mx::array>& list) {
  PassInputs inputs = {list[0], list[1], {}, {}};
  if (config.extractor_mode != ExtractorMode::kLayerNorm) inputs.group_norm = Norm{list[2], list[3]};
  if (config.speaker_conditioned()) inputs.speaker = list.back();
  return inputs;
}

std::vector<mx::array> Forward::operator()(const PassInputs& inputs, std::span<const Stage> stages) const {
  std::vector<std::optional<mx::array>> found(stages.size());
  const auto take = [&](int layer, const mx::array& x) {
    for (size_t i = 0; i < stages.size(); ++i) {
      if (stages[i].layer != layer) continue;
      found[i] =
          mx::contiguous(stages[i].final_proj ? linear(x, *parameters_.final_proj) : x, false, stream_);
    }
  };

  mx::array x = frontend(inputs);
  take(kProjected, x);
  const int frames = x.shape(1);
  const mx::array valid = mx::less(mx::reshape(mx::arange(frames, stream_), {1, frames}, stream_),
                                   mx::expand_dims(inputs.lengths, 1, stream_), stream_);  // [batch, frames]
  x = add_positions(x, valid);
  for (int layer = 1; layer <= config_.total_layers(); ++layer) {
    x = block(parameters_.blocks[static_cast<size_t>(layer - 1)], x, valid, inputs);
    take(layer, x);
  }
  if (config_.layer_norm_first) x = layer_norm(x, parameters_.encoder_norm, config_.layer_norm_eps);
  take(kModelOutput, x);

  std::vector<mx::array> results;
  results.reserve(found.size());
  for (const std::optional<mx::array>& stage : found) results.push_back(*stage);
  return results;
}

/// waveform [batch, samples] -> features [batch, frames, width].
mx::array Forward::frontend(const PassInputs& inputs) const {
  constexpr float kFrontendEps = 1e-5F;  // whatever the encoder's
  mx::array x = mx::expand_dims(inputs.waveform, 2, stream_);
  for (size_t i = 0; i < parameters_.convs.size(); ++i) {
    const Conv& conv = parameters_.convs[i];
    x = mx::astype(x, conv.weight.dtype(), stream_);
    x = widen(mx::conv1d(x, conv.weight, config_.conv_layers[i].stride, 0, 1, 1, stream_));
    if (conv.bias) x = add(x, *conv.bias);
    if (i == 0 && inputs.group_norm) x = add(multiply(x, inputs.group_norm->scale), inputs.group_norm->shift);
    if (conv.layer_norm) x = layer_norm(x, *conv.layer_norm, kFrontendEps);
    x = gelu(x);
  }
  if (parameters_.feature_norm) x = layer_norm(x, *parameters_.feature_norm, config_.layer_norm_eps);
  if (parameters_.projection) x = linear(x, *parameters_.projection);
  return x;
}

/// x + GELU(pos_conv(x)), with its LayerNorm in a post-norm model. A BatchNorm comes before the convolution's
/// padding, which is zeros, and so are frames that are none. An even kernel gives one frame more than
/// there are, which is dropped: it has one frame less of padding at the end.
mx::array Forward::add_positions(const mx::array& x, const mx::array& valid) const {
  const auto only_valid = [&](const mx::array& y) {
    return mx::where(mx::expand_dims(valid, 2, stream_), y, mx::array(0.0F), stream_);
  };
  const mx::array inside = only_valid(x);
  const auto& norm = parameters_.pos_conv_norm;
  const mx::array input =
      norm ? only_valid(add(multiply(mx::subtract(x, norm->mean, stream_), norm->scale), norm->shift))
           : inside;
  const int before = config_.conv_pos / 2;
  const mx::array conv = widen(mx::conv_general(narrow(input), parameters_.pos_conv.weight, {1}, {before},
                                                {config_.conv_pos - 1 - before}, {1}, {1},
                                                config_.conv_pos_groups, false, stream_));
  const mx::array sum = add(inside, gelu(add(conv, *parameters_.pos_conv.bias)));
  return config_.layer_norm_first ? sum : layer_norm(sum, parameters_.encoder_norm, config_.layer_norm_eps);
}

mx::array Forward::block(const Block& block, mx::array x, const mx::array& valid,
                         const PassInputs& inputs) const {
  const auto self_attn_layer_norm = [&](const mx::array& y) {
    return layer_norm(y, block.self_attn_layer_norm, inputs);
  };
  const auto final_layer_norm = [&](const mx::array& y) {
    return layer_norm(y, block.final_layer_norm, inputs);
  };
  const auto feed_forward = [&](const mx::array& y) { return linear(gelu(linear(y, block.fc1)), block.fc2); };
  if (config_.layer_norm_first) {
    x = add(x, attention(block, self_attn_layer_norm(x), valid));
    return add(x, feed_forward(final_layer_norm(x)));
  }
  x = self_attn_layer_norm(add(x, attention(block, x, valid)));
  return final_layer_norm(add(x, feed_forward(x)));
}

mx::array Forward::attention(const Block& block, const mx::array& x, const mx::array& valid) const {
  const int batch = x.shape(0);
  const int frames = x.shape(1);
  const int width = config_.encoder_embed_dim;
  const int heads = config_.encoder_attention_heads;
  const int head_dim = width / heads;
  // [batch, frames, 3 width] -> three of [batch, heads, frames, head_dim]
  const mx::array qkv =
      mx::transpose(mx::reshape(narrow(linear(x, block.qkv)), {batch, frames, 3, heads, head_dim}, stream_),
                    {2, 0, 3, 1, 4}, stream_);
  const auto part = [&](int index) { return mx::take(qkv, index, 0, stream_); };
  const mx::array mask = mx::reshape(valid, {batch, 1, 1, frames}, stream_);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  const mx::array attended = mx::fast::scaled_dot_product_attention(part(0), part(1), part(2), scale, "array",
                                                                    mask, {}, false, stream_);
  return linear(mx::reshape(mx::transpose(attended, {0, 2, 1, 3}, stream_), {batch, frames, width}, stream_),
                block.out_proj);
}

mx::array Forward::linear(const mx::array& x, const Linear& layer) const {
  return add(widen(mx::matmul(narrow(x), layer.weight, stream_)), layer.bias);
}

/// With the error function, as the reference.
mx::array Forward::gelu(const mx::array& x) const {
  const mx::array half = mx::array(0.5F);
  const mx::array erf = mx::erf(multiply(x, mx::array(1 / std::numbers::sqrt2_v<float>)), stream_);
  return multiply(multiply(x, half), add(erf, mx::array(1.0F)));
}

mx::array Forward::layer_norm(const mx::array& x, const Norm& norm, float eps) const {
  return mx::fast::layer_norm(x, norm.scale, norm.shift, eps, stream_);
}

mx::array Forward::layer_norm(const mx::array& x, const BlockNorm& norm, const PassInputs& inputs) const {
  if (norm.plain) return layer_norm(x, *norm.plain, config_.layer_norm_eps);
  const auto of_speaker = [&](const mx::array& matrix) {
    return mx::expand_dims(mx::matmul(*inputs.speaker, matrix, stream_), 1, stream_);  // [batch, 1, width]
  };
  const mx::array normed = mx::fast::layer_norm(x, {}, {}, config_.layer_norm_eps, stream_);
  return add(multiply(normed, of_speaker(*norm.weight_ln)), of_speaker(*norm.bias_ln));
}

}  // namespace contentvec::mlx
