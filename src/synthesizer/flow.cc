#include "synthesizer/flow.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/matmul.h"
#include "nn/time_rows.h"
#include "tensors/axes.h"
#include "tensors/scale.h"
#include "tensors/weight_norm.h"

namespace contentvec::synthesizer {
namespace {

constexpr int64_t kPadding = kFlowKernel / 2;

/// The rows of a matrix in reverse.
void mirror_rows(std::span<float> matrix, int64_t rows) {
  const auto width = static_cast<int64_t>(matrix.size()) / rows;
  for (int64_t row = 0; row < rows / 2; ++row) {
    const auto at = matrix.begin() + row * width;
    std::swap_ranges(at, at + width, matrix.begin() + (rows - 1 - row) * width);
  }
}

/// Its columns likewise.
void mirror_columns(std::span<float> matrix, int64_t columns) {
  for (auto row = matrix.begin(); row != matrix.end(); row += columns) std::reverse(row, row + columns);
}

}  // namespace

Flow::Flow(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const VoiceConfig& config,
           const nn::Packers& packers)
    : inter_(config.inter_channels), hidden_(config.hidden_channels), couplings_(kCouplings) {
  packers.team().parallel_for(kCouplings, [&](int64_t i, int) {
    couplings_[static_cast<size_t>(kCouplings - 1 - i)] = read_coupling(kernels, tensors, i, config);
  });
}

/// Before each coupling the channels are mirrored, an even number of times in all. So they stay where they are, and
/// every other coupling, the first one among them, has mirrored weights and reads the second half.
Flow::Coupling Flow::read_coupling(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                                   int64_t index, const VoiceConfig& config) const {
  const std::string name = fmt::format("flow.flows.{}", 2 * index);
  const int64_t half = inter_ / 2;
  std::vector<float> pre = tensors.read(name + ".pre.weight");
  std::vector<float> post = tensors.read(name + ".post.weight");
  std::vector<float> post_bias = tensors.read(name + ".post.bias");
  tensors::scale(post, -1);
  tensors::scale(post_bias, -1);
  const bool is_mirrored = index % 2 == 1;
  if (is_mirrored) {
    mirror_columns(pre, half);
    mirror_rows(post, half);
    mirror_rows(post_bias, half);
  }

  Coupling coupling;
  coupling.from = is_mirrored ? half : 0;
  coupling.to = half - coupling.from;
  coupling.pre = {kernels, pre, hidden_, half, tensors.read(name + ".pre.bias")};
  coupling.post = {kernels, post, half, hidden_, post_bias};
  std::vector<float> condition_bias = tensors.read(name + ".enc.cond_layer.bias");
  auto bias = condition_bias.begin();
  for (int64_t i = 0; i < kFlowLayers; ++i) {
    const std::string in = fmt::format("{}.enc.in_layers.{}", name, i);
    const std::string res_skip = fmt::format("{}.enc.res_skip_layers.{}", name, i);
    const int64_t outputs = i + 1 < kFlowLayers ? 2 * hidden_ : hidden_;
    coupling.layers.push_back(
        {{kernels,
          {.in = hidden_, .out = 2 * hidden_, .kernel = kFlowKernel},
          tensors::swap_last_axes(tensors::read_weight(tensors, in, 0), 2 * hidden_, hidden_, kFlowKernel),
          {}},
         {kernels, tensors::read_weight(tensors, res_skip, 0), outputs, hidden_,
          tensors.read(res_skip + ".bias")}});
    for (const float own : tensors.read(in + ".bias")) *bias++ += own;
  }
  coupling.condition = {kernels, tensors::read_weight(tensors, name + ".enc.cond_layer", 0),
                        kFlowLayers * 2 * hidden_, config.gin_channels, condition_bias};
  return coupling;
}

/// z[to ...] -= post(WaveNet(pre(z[from ...]), speaker)). The layers' input and what they give out stand side by side,
/// so that one product adds to both.
void Flow::run(const nn::Context& context, const Coupling& coupling, Workspace& w, float* z, int64_t frames,
               std::span<const float> speaker) const {
  const int64_t stride = nn::row_stride(2 * hidden_);
  float* gate_biases = w.gate_biases.reserve(coupling.condition.columns());
  const auto inputs = static_cast<int64_t>(speaker.size());
  nn::multiply(context, nn::matrix_rows(speaker.data(), inputs, inputs), 1, coupling.condition, gate_biases,
               coupling.condition.columns());

  float* gates = w.gates.data();
  float* state = w.state.data() + kPadding * stride;
  float* out = state + hidden_;
  nn::clear_around(w.state.data(), kPadding, frames, kPadding, stride);
  nn::multiply(context, nn::matrix_rows(z + coupling.from, inter_, inter_ / 2), frames, coupling.pre, state,
               stride);
  nn::in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t row = begin; row < end; ++row) std::fill_n(out + row * stride, hidden_, 0.0F);
  });
  for (const Layer& layer : coupling.layers) {
    layer.in.run(context, w.state.data(), stride, frames, gates, stride);
    nn::in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
      context.kernels.gated_tanh(gates + begin * stride, stride, end - begin, hidden_, gate_biases,
                                 gates + begin * stride, stride);
    });
    float* added_to = layer.res_skip.columns() == hidden_ ? out : state;
    nn::multiply(context, nn::matrix_rows(gates, stride, hidden_), frames, layer.res_skip, added_to, stride,
                 {.accumulate = true});
    gate_biases += 2 * hidden_;
  }
  nn::multiply(context, nn::matrix_rows(out, stride, hidden_), frames, coupling.post, z + coupling.to, inter_,
               {.accumulate = true});
}

void Flow::run(const nn::Context& context, Workspace& w, float* z, int64_t frames,
               std::span<const float> speaker) const {
  const int64_t stride = nn::row_stride(2 * hidden_);
  w.state.reserve((frames + 2 * kPadding) * stride);
  w.gates.reserve(frames * stride);
  for (const Coupling& coupling : couplings_) run(context, coupling, w, z, frames, speaker);
}

}  // namespace contentvec::synthesizer
