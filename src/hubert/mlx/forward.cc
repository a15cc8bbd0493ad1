#include "hubert/mlx/forward.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace contentvec::mlx {

std::vector<mx::array> PassInputs::as_list() const {
  std::vector<mx::array> list = {waveform, samples, frames};
  if (speaker) list.push_back(*speaker);
  return list;
}

PassInputs PassInputs::from_list(const std::vector<mx::array>& list) {
  PassInputs inputs = {list[0], list[1], list[2]};
  if (list.size() > 3) inputs.speaker = list[3];
  return inputs;
}

std::vector<mx::array> Forward::operator()(const PassInputs& inputs, int frames,
                                           std::span<const Stage> stages) const {
  std::vector<std::optional<mx::array>> found(stages.size());
  const auto take = [&](int layer, const mx::array& x) {
    for (size_t i = 0; i < stages.size(); ++i) {
      if (stages[i].layer != layer) continue;
      found[i] = mx::contiguous(stages[i].final_proj ? widen(linear(narrow(x), *parameters_.final_proj)) : x,
                                false, stream_);
    }
  };

  mx::array x = frontend(inputs, frames);
  take(kProjected, x);
  const mx::array valid = before(inputs.frames, frames);
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
mx::array Forward::frontend(const PassInputs& inputs, int frames) const {
  mx::array x = first_conv(inputs);
  for (size_t i = 1; i < parameters_.convs.size(); ++i)
    x = conv(narrow(x), parameters_.convs[i], config_.conv_layers[i]);
  x = mx::slice(x, {0, 0, 0}, {x.shape(0), frames, x.shape(2)}, stream_);
  if (parameters_.feature_norm) x = layer_norm(x, *parameters_.feature_norm, config_.layer_norm_eps);
  return parameters_.projection ? widen(linear(narrow(x), *parameters_.projection)) : x;
}

/// In float32 whatever the products are in: ten products a sum cost nothing, and the waveform may be anywhere in its
/// range.
mx::array Forward::first_conv(const PassInputs& inputs) const {
  const Conv& first = parameters_.convs.front();
  const ConvLayer& layer = config_.conv_layers.front();
  if (!first.group_norm) return conv(mx::expand_dims(inputs.waveform, 2, stream_), first, layer);
  const mx::array seen = windows(mx::expand_dims(inputs.waveform, 2, stream_), layer.kernel, layer.stride);
  return gelu(group_norm(inputs, seen, first));
}

/// A convolution of x [batch, frames, in], its LayerNorm, if it has one, and GELU.
mx::array Forward::conv(const mx::array& x, const Conv& conv, const ConvLayer& layer) const {
  constexpr float kFrontendEps = 1e-5F;  // whatever the encoder's
  const mx::array seen = windows(x, layer.kernel, layer.stride);
  mx::array y = widen(conv.bias ? mx::addmm(*conv.bias, seen, conv.weight, 1, 1, stream_)
                                : mx::matmul(seen, conv.weight, stream_));
  if (conv.layer_norm) y = layer_norm(y, *conv.layer_norm, kFrontendEps);
  return gelu(y);
}

/// What a convolution of x [batch, frames, in] sees for each of its own frames, as a view [batch, frames, kernel * in].
mx::array Forward::windows(const mx::array& x, int kernel, int stride) const {
  const int frames = x.shape(1);
  const int in = x.shape(2);
  return mx::as_strided(x, {x.shape(0), (frames - kernel) / stride + 1, kernel * in},
                        {int64_t{frames} * in, int64_t{stride} * in, 1}, 0, stream_);
}

/// The first convolution of its windows [batch, frames, kernel], and a GroupNorm of one channel a group: its statistics
/// are those of the frames that are not padding. It is the same for a waveform without its mean, and then a channel's
/// mean is next to nothing beside its deviation: one pass over the convolution's output, the largest of all arrays,
/// gives the variance to float32's rounding. Sums go by 64 frames first.
mx::array Forward::group_norm(const PassInputs& inputs, mx::array windows, const Conv& conv) const {
  constexpr float kEps = 1e-5F;  // GroupNorm's own, whatever the encoder's
  const ConvLayer& layer = config_.conv_layers.front();
  const int batch = windows.shape(0);
  const int frames = windows.shape(1);
  const auto per_row = [&](const mx::array& counts) {
    return mx::reshape(mx::astype(counts, mx::float32, stream_), {batch, 1, 1}, stream_);
  };
  const auto sum_of = [&](const mx::array& x) {
    const mx::array parts = mx::reshape(x, {batch, frames / kSumFrames, kSumFrames, x.shape(2)}, stream_);
    return mx::sum(mx::sum(parts, 2, false, stream_), 1, true, stream_);
  };
  const mx::array counts =
      add(mx::floor_divide(mx::subtract(inputs.samples, mx::array(layer.kernel), stream_),
                           mx::array(layer.stride), stream_),
          mx::array(1));
  const mx::array mean_sample =
      mx::divide(mx::expand_dims(mx::sum(inputs.waveform, 1, true, stream_), 2, stream_),
                 per_row(inputs.samples), stream_);
  windows = only(before(counts, frames), mx::subtract(windows, mean_sample, stream_));
  const mx::array y = mx::matmul(windows, conv.weight, stream_);
  const mx::array count = per_row(counts);
  const mx::array mean = mx::divide(mx::matmul(sum_of(windows), conv.weight, stream_), count, stream_);
  const mx::array square = mx::divide(sum_of(mx::square(y, stream_)), count, stream_);
  const mx::array variance =
      mx::maximum(mx::subtract(square, mx::square(mean, stream_), stream_), mx::array(0.0F), stream_);
  const mx::array scale =
      multiply(conv.group_norm->scale, mx::rsqrt(add(variance, mx::array(kEps)), stream_));
  const mx::array shift = mx::subtract(conv.group_norm->shift, multiply(mean, scale), stream_);
  return add(multiply(y, scale), shift);
}

mx::array Forward::before(const mx::array& counts, int size) const {
  return mx::less(mx::reshape(mx::arange(size, stream_), {1, size, 1}, stream_),
                  mx::reshape(counts, {counts.shape(0), 1, 1}, stream_), stream_);
}

/// x + GELU(pos_conv(x)), with its LayerNorm in a post-norm model. A BatchNorm comes before the convolution's
/// padding, which is zeros, and so are frames that are none. An even kernel gives one frame more than
/// there are, which is dropped: it has one frame less of padding at the end.
mx::array Forward::add_positions(const mx::array& x, const mx::array& valid) const {
  const mx::array inside = only(valid, x);
  const auto& norm = parameters_.pos_conv_norm;
  const mx::array input =
      norm ? only(valid, add(multiply(mx::subtract(x, norm->mean, stream_), norm->scale), norm->shift))
           : inside;
  const mx::array sum = add(inside, gelu(add(widen(positional(narrow(input))), parameters_.pos_conv.bias)));
  return config_.layer_norm_first ? sum : layer_norm(sum, parameters_.encoder_norm, config_.layer_norm_eps);
}

/// The positional convolution of x [batch, frames, width] without its bias, `kBlock` frames at once.
mx::array Forward::positional(const mx::array& x) const {
  constexpr int kBlock = BlockConv::kBlock;
  const int batch = x.shape(0);
  const int frames = x.shape(1);
  const int groups = config_.conv_pos_groups;
  const int width = config_.encoder_embed_dim / groups;
  const int blocks = (frames + kBlock - 1) / kBlock;
  const int ahead = config_.conv_pos / 2;
  const int window = kBlock + config_.conv_pos - 1;
  const int padded = blocks * kBlock + config_.conv_pos - 1;
  const mx::array with_edges =
      mx::pad(x, {1}, {ahead}, {padded - ahead - frames}, mx::array(0, x.dtype()), "constant", stream_);
  // [groups, batch, padded, width]: a group's windows lie in one piece each.
  const mx::array by_group = mx::contiguous(
      mx::transpose(mx::reshape(with_edges, {batch, padded, groups, width}, stream_), {2, 0, 1, 3}, stream_),
      false, stream_);
  const int64_t row = int64_t{padded} * width;
  const mx::array seen = mx::as_strided(by_group, {groups, batch, blocks, window * width},
                                        {batch * row, row, int64_t{kBlock} * width, 1}, 0, stream_);
  const mx::array y = mx::matmul(mx::reshape(seen, {groups, batch * blocks, window * width}, stream_),
                                 parameters_.pos_conv.weight, stream_);
  const mx::array in_order =
      mx::transpose(mx::reshape(y, {groups, batch, blocks * kBlock, width}, stream_), {1, 2, 0, 3}, stream_);
  return mx::reshape(mx::slice(in_order, {0, 0, 0, 0}, {batch, frames, groups, width}, stream_),
                     {batch, frames, groups * width}, stream_);
}

mx::array Forward::block(const Block& block, mx::array x, const mx::array& valid,
                         const PassInputs& inputs) const {
  const auto self_attn_layer_norm = [&](const mx::array& y) {
    return layer_norm(y, block.self_attn_layer_norm, inputs);
  };
  const auto final_layer_norm = [&](const mx::array& y) {
    return layer_norm(y, block.final_layer_norm, inputs);
  };
  const auto feed_forward = [&](const mx::array& y) {
    return linear(narrow(gelu(widen(linear(narrow(y), block.fc1)))), block.fc2);
  };
  if (config_.layer_norm_first) {
    x = add(x, widen(attention(block, narrow(self_attn_layer_norm(x)), valid)));
    return add(x, widen(feed_forward(final_layer_norm(x))));
  }
  x = self_attn_layer_norm(add(x, widen(attention(block, narrow(x), valid))));
  return final_layer_norm(add(x, widen(feed_forward(x))));
}

/// x [batch, frames, width], in the products' type as its result.
mx::array Forward::attention(const Block& block, const mx::array& x, const mx::array& valid) const {
  const int batch = x.shape(0);
  const int frames = x.shape(1);
  const int heads = config_.encoder_attention_heads;
  const int head_dim = config_.encoder_embed_dim / heads;
  const mx::array qkv = mx::reshape(linear(x, block.qkv), {batch, frames, 3, heads, head_dim}, stream_);
  // As views: [batch, heads, frames, head_dim].
  const auto part = [&](int index) {
    const mx::array one =
        mx::slice(qkv, {0, 0, index, 0, 0}, {batch, frames, index + 1, heads, head_dim}, stream_);
    return mx::transpose(mx::squeeze(one, 2, stream_), {0, 2, 1, 3}, stream_);
  };
  const mx::array mask = mx::reshape(valid, {batch, 1, 1, frames}, stream_);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  const mx::array attended = mx::fast::scaled_dot_product_attention(part(0), part(1), part(2), scale, "array",
                                                                    mask, {}, false, stream_);
  const mx::array joined = mx::transpose(attended, {0, 2, 1, 3}, stream_);
  return linear(mx::reshape(joined, {batch, frames, heads * head_dim}, stream_), block.out_proj);
}

mx::array Forward::linear(const mx::array& x, const Linear& layer) const {
  return mx::addmm(layer.bias, x, layer.weight, 1, 1, stream_);
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
