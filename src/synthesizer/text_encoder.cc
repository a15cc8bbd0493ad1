#include "synthesizer/text_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nn/matmul.h"
#include "nn/time_rows.h"
#include "tensors/axes.h"
#include "tensors/scale.h"

namespace contentvec::synthesizer {
namespace {

constexpr float kNormEps = 1e-5F;
constexpr nn::Activation kEmbeddingActivation = {nn::Activation::Kind::kLeakyRelu, 0.1F};

/// The weights (or the biases) of the queries, keys and values of a layer, one after the other.
std::vector<float> read_qkv(const tensors::NamedTensors& tensors, const std::string& name,
                            const std::string& what, int64_t head_dim) {
  std::vector<float> all = tensors.read(name + ".conv_q." + what);
  tensors::scale(all, 1 / std::sqrt(static_cast<double>(head_dim)));
  for (const char* part : {".conv_k.", ".conv_v."}) {
    const std::vector<float> values = tensors.read(name + part + what);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

nn::Norm read_norm(const tensors::NamedTensors& tensors, const std::string& name) {
  return {tensors.read(name + ".gamma"), tensors.read(name + ".beta")};
}

nn::Conv1d read_conv(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                     const std::string& name, const nn::ConvShape& shape) {
  return {kernels, shape,
          tensors::swap_last_axes(tensors.read(name + ".weight"), shape.out, shape.in, shape.kernel),
          tensors.read(name + ".bias")};
}

}  // namespace

TextEncoder::Layer::Layer(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                          const VoiceConfig& c, int64_t index)
    : positions(*kernels.float32, tensors.read(fmt::format("enc_p.encoder.attn_layers.{}.emb_rel_k", index)),
                tensors.read(fmt::format("enc_p.encoder.attn_layers.{}.emb_rel_v", index)),
                c.hidden_channels / c.n_heads) {
  const int64_t h = c.hidden_channels;
  const int64_t head_dim = h / c.n_heads;
  const std::string attention = fmt::format("enc_p.encoder.attn_layers.{}", index);
  qkv = {kernels, read_qkv(tensors, attention, "weight", head_dim), 3 * h, h,
         read_qkv(tensors, attention, "bias", head_dim)};
  out = {kernels, tensors.read(attention + ".conv_o.weight"), h, h, tensors.read(attention + ".conv_o.bias")};
  attention_norm = read_norm(tensors, fmt::format("enc_p.encoder.norm_layers_1.{}", index));
  const std::string ffn = fmt::format("enc_p.encoder.ffn_layers.{}", index);
  expand = read_conv(kernels, tensors, ffn + ".conv_1",
                     {.in = h, .out = c.filter_channels, .kernel = c.kernel_size});
  reduce = read_conv(kernels, tensors, ffn + ".conv_2",
                     {.in = c.filter_channels, .out = h, .kernel = c.kernel_size});
  ffn_norm = read_norm(tensors, fmt::format("enc_p.encoder.norm_layers_2.{}", index));
}

TextEncoder::TextEncoder(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                         const VoiceConfig& c)
    : phone_(c.phone_channels),
      hidden_(c.hidden_channels),
      filter_(c.filter_channels),
      heads_(c.n_heads),
      kernel_(c.kernel_size) {
  // The embedding is multiplied by sqrt(hidden_channels); its weights are.
  const auto read_scaled = [&](const char* name) {
    std::vector<float> values = tensors.read(name);
    tensors::scale(values, std::sqrt(static_cast<double>(hidden_)));
    return values;
  };
  phone_embedding_ = {kernels, read_scaled("enc_p.emb_phone.weight"), hidden_, phone_,
                      read_scaled("enc_p.emb_phone.bias")};
  if (c.f0) pitch_embedding_ = read_scaled("enc_p.emb_pitch.weight");
  layers_.reserve(static_cast<size_t>(c.n_layers));
  for (int64_t i = 0; i < c.n_layers; ++i) layers_.emplace_back(kernels, tensors, c, i);
  projection_ = {kernels, tensors.read("enc_p.proj.weight"), 2 * c.inter_channels, hidden_,
                 tensors.read("enc_p.proj.bias")};
}

float* TextEncoder::frames_in(AlignedBuffer<float>& padded, int64_t width) const {
  return padded.data() + (kernel_ - 1) / 2 * nn::row_stride(width);
}

/// hidden = leaky_relu(emb_phone(features) + emb_pitch[pitch])
void TextEncoder::embed(const nn::Context& context, std::span<const float> features,
                        std::span<const int64_t> pitch, int64_t frames, float* hidden) const {
  const int64_t stride = nn::row_stride(hidden_);
  for (size_t frame = 0; frame < pitch.size(); ++frame) {
    std::copy_n(pitch_embedding_.data() + pitch[frame] * hidden_, hidden_,
                hidden + static_cast<int64_t>(frame) * stride);
  }
  nn::multiply(context, nn::matrix_rows(features.data(), phone_, phone_), frames, phone_embedding_, hidden,
               stride, {.accumulate = !pitch.empty(), .activation = kEmbeddingActivation});
}

/// hidden = LN(hidden + attention(hidden))
void TextEncoder::attend(const nn::Context& context, const Layer& layer, Workspace& w, int64_t frames) const {
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t qkv_stride = nn::row_stride(3 * hidden_);
  float* hidden = frames_in(w.hidden, hidden_);
  float* qkv = w.wide.data();
  w.attention.start(*context.kernels.float32, heads_, hidden_ / heads_, w.sequences);
  nn::multiply(context, nn::matrix_rows(hidden, stride, hidden_), frames, layer.qkv, qkv, qkv_stride, {},
               [&](int64_t begin, int64_t end) {
                 w.attention.take(begin, end, qkv + begin * qkv_stride, qkv_stride);
               });
  w.attention.run(context, w.sequences, layer.positions);
  nn::multiply(context, nn::matrix_rows(w.attention.rows(), stride, hidden_), frames, layer.out, w.sum.data(),
               stride, {.residual = hidden, .residual_stride = stride}, [&](int64_t begin, int64_t end) {
                 nn::layer_norm(context.kernels, layer.attention_norm, kNormEps,
                                w.sum.data() + begin * stride, stride, end - begin, hidden + begin * stride,
                                stride);
               });
}

/// hidden = LN(hidden + reduce(relu(expand(hidden)))), the convolutions with zeros around
void TextEncoder::feed_forward(const nn::Context& context, const Layer& layer, Workspace& w,
                               int64_t frames) const {
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t wide_stride = nn::row_stride(filter_);
  float* hidden = frames_in(w.hidden, hidden_);
  nn::clear_around(w.wide.data(), (kernel_ - 1) / 2, frames, kernel_ / 2, wide_stride);
  layer.expand.run(context, w.hidden.data(), stride, frames, frames_in(w.wide, filter_), wide_stride,
                   {.activation = {nn::Activation::Kind::kRelu}});
  layer.reduce.run(context, w.wide.data(), wide_stride, frames, w.sum.data(), stride,
                   {.residual = hidden, .residual_stride = stride});
  nn::in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    nn::layer_norm(context.kernels, layer.ffn_norm, kNormEps, w.sum.data() + begin * stride, stride,
                   end - begin, hidden + begin * stride, stride);
  });
}

void TextEncoder::run(const nn::Context& context, Workspace& w, std::span<const float> features,
                      std::span<const int64_t> pitch, int64_t first, float* statistics,
                      const Observe& observe) const {
  const auto frames = static_cast<int64_t>(features.size()) / phone_;
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t padded = frames + kernel_ - 1;
  w.sequences.clear();
  w.sequences.add(frames);
  w.hidden.reserve(padded * stride);
  w.sum.reserve(frames * stride);
  w.wide.reserve(std::max(frames * nn::row_stride(3 * hidden_), padded * nn::row_stride(filter_)));
  float* hidden = frames_in(w.hidden, hidden_);
  nn::clear_around(w.hidden.data(), (kernel_ - 1) / 2, frames, kernel_ / 2, stride);

  embed(context, features, pitch, frames, hidden);
  if (observe) observe("embedded", hidden, stride, hidden_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    attend(context, layers_[i], w, frames);
    feed_forward(context, layers_[i], w, frames);
    if (observe) observe(fmt::format("encoder_{}", i), hidden, stride, hidden_);
  }
  nn::multiply(context, nn::matrix_rows(hidden + first * stride, stride, hidden_), frames - first,
               projection_, statistics, projection_.columns());
}

}  // namespace contentvec::synthesizer
