#include "f0/fcpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "dsp/padding.h"
#include "f0/salience.h"
#include "nn/matmul.h"
#include "tensors/axes.h"
#include "tensors/weight_norm.h"

namespace contentvec::f0 {
namespace {

constexpr int64_t kGroups = 4;
constexpr int64_t kDepthwiseKernel = 31;
constexpr int64_t kPartRows = 64;  // of one parallel item; fixed, so that sums do not depend on the threads
constexpr float kNormEps = 1e-5F;
constexpr double kMagnitudeFloor = 1e-9;
constexpr nn::Activation kSilu = {nn::Activation::Kind::kSilu};

int64_t parts_of(int64_t rows) {
  return (rows + kPartRows - 1) / kPartRows;
}

/// run(begin, end, part) for parts of all rows, over the team.
template <typename Run>
void in_parts(const nn::Context& context, int64_t rows, const Run& run) {
  context.team.parallel_for(parts_of(rows), [&](int64_t part, int) {
    run(part * kPartRows, std::min((part + 1) * kPartRows, rows), part);
  });
}

/// Zeros before and after the rows of a convolution's input.
void clear_around(float* rows, int64_t before, int64_t count, int64_t after, int64_t stride) {
  std::fill_n(rows, before * stride, 0.0F);
  std::fill_n(rows + (before + count) * stride, after * stride, 0.0F);
}

std::string layer_name(int64_t index) {
  return fmt::format("net.encoder_layers.{}.conformer.net", index);
}

}  // namespace

std::vector<tensors::Synthetic> fcpe_tensors(const FcpeConfig& c) {
  std::vector<tensors::Synthetic> table;
  const auto weight = [&](const std::string& name, std::vector<int64_t> shape, double gain) {
    double fan_in = 1;
    for (size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
    table.push_back({{name, std::move(shape)}, gain * std::sqrt(3.0 / fan_in), 0});
  };
  const auto bias = [&](const std::string& name, int64_t size, double amplitude = 0.1, double offset = 0.0) {
    table.push_back({{name, {size}}, amplitude, offset});
  };
  const int64_t h = c.hidden;
  weight("input_stack.0.weight", {h, Fcpe::kMels, 3}, 0.3);
  bias("input_stack.0.bias", h);
  bias("input_stack.1.weight", h, 0.2, 1.0);
  bias("input_stack.1.bias", h);
  weight("input_stack.3.weight", {h, h, 3}, 1.4);
  bias("input_stack.3.bias", h);
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string name = layer_name(i);
    bias(name + ".0.weight", h, 0.2, 1.0);
    bias(name + ".0.bias", h);
    weight(name + ".2.weight", {4 * h, h, 1}, 1.0);
    bias(name + ".2.bias", 4 * h);
    weight(name + ".4.conv.weight", {2 * h, 1, kDepthwiseKernel}, 2.0);
    bias(name + ".4.conv.bias", 2 * h);
    weight(name + ".6.weight", {h, 2 * h, 1}, 1.5);
    bias(name + ".6.bias", h);
  }
  bias("norm.weight", h, 0.2, 1.0);
  bias("norm.bias", h);
  table.push_back({{"output_proj.weight_g", {kSalienceBins, 1}}, 0.5, 2.5});
  weight("output_proj.weight_v", {kSalienceBins, h}, 1.0);
  bias("output_proj.bias", kSalienceBins, 1.0, -5.0);
  return table;
}

FcpeConfig infer_fcpe(const tensors::NamedTensors& tensors) {
  FcpeConfig c;
  const std::vector<int64_t> norm = tensors.shape("norm.weight");
  if (norm.size() == 1 && norm[0] > 0 && norm[0] <= 8192) c.hidden = norm[0];
  c.layers = 0;
  while (tensors.has(layer_name(c.layers) + ".0.weight")) ++c.layers;
  return c;
}

Fcpe::Fcpe(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const FcpeConfig& c)
    : hidden_(c.hidden),
      spectrum_(kFftSize),
      mel_basis_(dsp::MelScale::kSlaney, 16000, kFftSize, kMels, 0, 8000) {
  const auto read = [&](const std::string& name) { return tensors.read(name); };
  const auto norm = [&](const std::string& name) { return nn::Norm{read(name + ".weight"), read(name + ".bias")}; };
  const auto conv3 = [&](const std::string& name, int64_t in) {
    return nn::Conv1d(kernels, {.in = in, .out = hidden_, .kernel = 3},
                      tensors::swap_last_axes(read(name + ".weight"), hidden_, in, 3), read(name + ".bias"));
  };
  const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
    return nn::Linear(kernels, read(name + ".weight"), out, in, read(name + ".bias"));
  };
  first_ = conv3("input_stack.0", kMels);
  first_norm_ = norm("input_stack.1");
  second_ = conv3("input_stack.3", hidden_);
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string name = layer_name(i);
    layers_.push_back({norm(name + ".0"), linear(name + ".2", 4 * hidden_, hidden_),
                       tensors::swap_last_axes(read(name + ".4.conv.weight"), 1, 2 * hidden_, kDepthwiseKernel),
                       read(name + ".4.conv.bias"), linear(name + ".6", hidden_, 2 * hidden_)});
  }
  norm_ = norm("norm");
  output_ = {kernels, tensors::read_weight(tensors, "output_proj", 0), kSalienceBins, hidden_,
             read("output_proj.bias")};
  if (tensors.has("cent_table")) {
    cents_ = read("cent_table");
  } else {
    const double lowest = 1200 * std::log2(32.7 / 10);
    const double step = (1200 * std::log2(1975.5 / 10) - lowest) / static_cast<double>(kSalienceBins - 1);
    for (int64_t bin = 0; bin < kSalienceBins; ++bin)
      cents_.push_back(static_cast<float>(lowest + static_cast<double>(bin) * step));
  }
}

/// torchfcpe pads so that there is a frame for every hop begun, but not always the last: that is then repeated.
void Fcpe::compute_mel(const nn::Context& context, std::span<const float> waveform, float* mel) const {
  const auto samples = static_cast<int64_t>(waveform.size());
  constexpr int64_t kPadding = (kFftSize - kHop) / 2;
  const int64_t after = std::max(kPadding, kFftSize - samples - kPadding);
  const std::vector<float> padded =
      after < samples ? dsp::pad_reflect(waveform, kPadding, after) : dsp::pad_zeros(waveform, kPadding, after);
  const int64_t whole = (static_cast<int64_t>(padded.size()) - kFftSize) / kHop + 1;
  const int64_t count = frames(samples);
  in_parts(context, count, [&](int64_t begin, int64_t end, int64_t) {
    dsp::Spectrum::Scratch scratch;
    std::vector<double> magnitudes(static_cast<size_t>(spectrum_.bins()));
    for (int64_t frame = begin; frame < end; ++frame) {
      spectrum_.magnitudes(padded.data() + std::min(frame, whole - 1) * kHop, kMagnitudeFloor, scratch,
                           magnitudes.data());
      mel_basis_.log_mel(magnitudes, mel + frame * kMels);
    }
  });
}

/// to = leaky_relu(GroupNorm(from)): the statistics over a group's channels and all frames, in double.
void Fcpe::group_norm(const nn::Context& context, Workspace& workspace, const float* from, int64_t frames,
                      float* to) const {
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t width = hidden_ / kGroups;
  const int64_t parts = parts_of(frames);
  // sum(part, group, x - center) and of its square, in the order of the parts.
  const auto sums_of = [&](const auto& term) {
    workspace.sums.assign(static_cast<size_t>(parts * kGroups), 0.0);
    in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t part) {
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t c = 0; c < hidden_; ++c) {
          workspace.sums[static_cast<size_t>(part * kGroups + c / width)] +=
              term(static_cast<double>(from[row * stride + c]), c / width);
        }
      }
    });
    std::array<double, kGroups> totals{};
    for (int64_t i = 0; i < parts * kGroups; ++i)
      totals[static_cast<size_t>(i % kGroups)] += workspace.sums[static_cast<size_t>(i)];
    return totals;
  };
  const auto count = static_cast<double>(frames * width);
  std::array<double, kGroups> means = sums_of([](double x, int64_t) { return x; });
  for (double& mean : means) mean /= count;
  std::array<double, kGroups> factors = sums_of([&](double x, int64_t group) {
    const double difference = x - means[static_cast<size_t>(group)];
    return difference * difference;
  });
  for (double& factor : factors) factor = 1.0 / std::sqrt(factor / count + static_cast<double>(kNormEps));

  std::vector<float> scale(static_cast<size_t>(hidden_));
  std::vector<float> shift(static_cast<size_t>(hidden_));
  for (size_t c = 0; c < scale.size(); ++c) {
    const size_t group = c / static_cast<size_t>(width);
    const double factor = factors[group] * static_cast<double>(first_norm_.scale[c]);
    scale[c] = static_cast<float>(factor);
    shift[c] = static_cast<float>(static_cast<double>(first_norm_.shift[c]) - means[group] * factor);
  }
  in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t c = 0; c < hidden_; ++c) {
        const auto channel = static_cast<size_t>(c);
        const float y = from[row * stride + c] * scale[channel] + shift[channel];
        to[row * stride + c] = std::max(y, 0.01F * y);
      }
    }
  });
}

/// hidden += conformer(hidden): LayerNorm, a gated linear layer, a depthwise convolution with SiLU, a linear layer.
void Fcpe::run_layer(const nn::Context& context, const Layer& layer, Workspace& w, int64_t frames) const {
  constexpr int64_t kPadding = kDepthwiseKernel / 2;
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t gated_stride = nn::row_stride(2 * hidden_);
  const int64_t wide_stride = nn::row_stride(4 * hidden_);
  float* hidden = w.hidden.data();
  float* normed = w.other.data();
  float* wide = w.wide.data();
  float* gated = w.gated.data();
  in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    nn::layer_norm(context.kernels, layer.norm, kNormEps, hidden + begin * stride, stride, end - begin,
                   normed + begin * stride, stride);
  });
  nn::multiply(context, nn::matrix_rows(normed, stride, hidden_), frames, layer.in, wide, wide_stride);
  clear_around(gated, kPadding, frames, kPadding, gated_stride);
  in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    context.kernels.glu(wide + begin * wide_stride, wide_stride, end - begin, 2 * hidden_,
                        gated + (kPadding + begin) * gated_stride, gated_stride);
  });
  in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    context.kernels.depthwise(gated + begin * gated_stride, gated_stride, end - begin, 2 * hidden_,
                              layer.depthwise.data(), kDepthwiseKernel, layer.depthwise_bias.data(), kSilu,
                              wide + begin * gated_stride, gated_stride);
  });
  nn::multiply(context, nn::matrix_rows(wide, gated_stride, 2 * hidden_), frames, layer.out, normed, stride,
               {.residual = hidden, .residual_stride = stride});
  std::swap(w.hidden, w.other);
}

void Fcpe::run(const nn::Context& context, Workspace& w, std::span<const float> waveform, float* salience,
               const Observe& observe) const {
  const auto see = [&](const std::string& stage, const float* rows, int64_t stride, int64_t width) {
    if (observe) observe(stage, rows, stride, width);
  };
  const int64_t count = frames(static_cast<int64_t>(waveform.size()));
  const int64_t stride = nn::row_stride(hidden_);
  float* mel = w.mel.reserve((count + 2) * kMels);
  w.wide.reserve(count * nn::row_stride(4 * hidden_));
  w.gated.reserve((count + kDepthwiseKernel - 1) * nn::row_stride(2 * hidden_));
  float* padded = w.padded.reserve((count + 2) * stride);
  w.hidden.reserve(count * stride);
  w.other.reserve(count * stride);

  clear_around(mel, 1, count, 1, kMels);
  compute_mel(context, waveform, mel + kMels);
  see("mel", mel + kMels, kMels, kMels);
  first_.run(context, mel, kMels, count, w.hidden.data(), stride);
  clear_around(padded, 1, count, 1, stride);
  group_norm(context, w, w.hidden.data(), count, padded + stride);
  second_.run(context, padded, stride, count, w.hidden.data(), stride);
  see("input_stack", w.hidden.data(), stride, hidden_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    run_layer(context, layers_[i], w, count);
    see(fmt::format("layer_{}", i), w.hidden.data(), stride, hidden_);
  }
  in_parts(context, count, [&](int64_t begin, int64_t end, int64_t) {
    nn::layer_norm(context.kernels, norm_, kNormEps, w.hidden.data() + begin * stride, stride, end - begin,
                   w.other.data() + begin * stride, stride);
  });
  see("norm", w.other.data(), stride, hidden_);
  nn::multiply(context, nn::matrix_rows(w.other.data(), stride, hidden_), count, output_, salience, kSalienceBins,
               {.activation = {nn::Activation::Kind::kSigmoid}});
}

}  // namespace contentvec::f0
