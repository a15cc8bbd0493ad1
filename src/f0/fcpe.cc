#include "f0/fcpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dsp/padding.h"
#include "nn/matmul.h"
#include "nn/time_rows.h"
#include "runtime/fail.h"
#include "tensors/axes.h"
#include "tensors/weight_norm.h"

namespace contentvec::f0 {
namespace {

constexpr int64_t kGroups = 4;
constexpr int64_t kDepthwiseKernel = 31;
constexpr float kNormEps = 1e-5F;
constexpr float kLeakySlope = 0.01F;
constexpr double kMagnitudeFloor = 1e-9;
constexpr nn::Activation kSilu = {nn::Activation::Kind::kSilu};

/// Frames that the first two convolutions compute together: SameConv1d::block(). Pieces begin with whole ones.
constexpr int64_t kTileFrames = 4;
int64_t whole_tiles(int64_t frames) {
  return nn::divide_up(frames, kTileFrames) * kTileFrames;
}

/// For the convolutions of three taps and the last product, whose weights are in float32 whatever the others are. The
/// first's and the last's are most of bfloat16's error, since a log-mel value is up to 11 and the pitch hangs on the
/// largest bin; the second convolution's fast form makes float32 as fast as bfloat16's direct one.
nn::Context exact(const nn::Context& context) {
  return {*context.kernels.float32, context.team, context.memory};
}

/// As the file has them.
std::vector<float> read_cents(const tensors::NamedTensors& tensors) {
  constexpr float kMost = 14400;  // 41 kHz
  std::vector<float> cents = tensors.read(kCentTable);
  for (const float bin : cents) {
    if (!(bin >= 0 && bin <= kMost))
      fail("{} of FCPE has a pitch of {} cents above 10 Hz; expected 0 to {}", kCentTable, bin, kMost);
  }
  return cents;
}

/// Even steps from 32.7 to 1975.5 Hz.
std::vector<float> released_cents() {
  const double lowest = 1200 * std::log2(32.7 / 10);
  const double step = (1200 * std::log2(1975.5 / 10) - lowest) / static_cast<double>(kSalienceBins - 1);
  std::vector<float> cents;
  cents.reserve(kSalienceBins);
  for (int64_t bin = 0; bin < kSalienceBins; ++bin)
    cents.push_back(static_cast<float>(lowest + static_cast<double>(bin) * step));
  return cents;
}

std::string layer_name(int64_t index) {
  return fmt::format("net.encoder_layers.{}.conformer.net", index);
}

}  // namespace

std::vector<tensors::Synthetic> fcpe_tensors(const FcpeConfig& c) {
  tensors::SyntheticTable table;
  const int64_t h = c.hidden;
  table.layer("input_stack.0", {h, Fcpe::kMels, 3}, 0.3);
  table.norm("input_stack.1", h);
  table.layer("input_stack.3", {h, h, 3}, 1.4);
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string name = layer_name(i);
    table.norm(name + ".0", h);
    table.layer(name + ".2", {4 * h, h, 1});
    table.layer(name + ".4.conv", {2 * h, 1, kDepthwiseKernel}, 2.0);
    table.layer(name + ".6", {h, 2 * h, 1}, 1.5);
  }
  table.norm("norm", h);
  table.add("output_proj.weight_g", {kSalienceBins, 1}, {0.5, 2.5});
  table.weight("output_proj.weight_v", {kSalienceBins, h});
  table.bias("output_proj.bias", kSalienceBins, 1.0, -5.0);
  return table.release();
}

FcpeConfig infer_fcpe(const tensors::NamedTensors& tensors) {
  FcpeConfig c;
  const std::vector<int64_t> norm = tensors.shape("norm.weight");
  if (norm.size() == 1 && norm[0] > 0 && norm[0] <= 8192 && norm[0] % kGroups == 0) c.hidden = norm[0];
  c.layers = 0;
  while (tensors.has(layer_name(c.layers) + ".0.weight")) ++c.layers;
  return c;
}

Fcpe::Fcpe(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const FcpeConfig& c)
    : hidden_(c.hidden),
      spectrum_(kFftSize),
      mel_basis_(dsp::MelScale::kSlaney, 16000, kFftSize, kMels, 0, 8000),
      cents_(tensors.has(kCentTable) ? read_cents(tensors) : released_cents()) {
  const auto read = [&](const std::string& name) { return tensors.read(name); };
  const auto norm = [&](const std::string& name) {
    return nn::Norm{read(name + ".weight"), read(name + ".bias")};
  };
  const auto conv3 = [&](const std::string& name, int64_t in) {
    return nn::SameConv1d(*kernels.float32, in, hidden_, 3, 1,
                          tensors::swap_last_axes(read(name + ".weight"), hidden_, in, 3),
                          read(name + ".bias"));
  };
  const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
    return nn::Linear(kernels, read(name + ".weight"), out, in, read(name + ".bias"));
  };
  first_ = conv3("input_stack.0", kMels);
  first_norm_ = norm("input_stack.1");
  second_ = conv3("input_stack.3", hidden_);
  layers_.reserve(static_cast<size_t>(c.layers));
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string name = layer_name(i);
    layers_.push_back(
        {norm(name + ".0"), linear(name + ".2", 4 * hidden_, hidden_),
         tensors::swap_last_axes(read(name + ".4.conv.weight"), 1, 2 * hidden_, kDepthwiseKernel),
         read(name + ".4.conv.bias"), linear(name + ".6", hidden_, 2 * hidden_)});
  }
  norm_ = norm("norm");
  output_ = {*kernels.float32, tensors::read_weight(tensors, "output_proj", 0), kSalienceBins, hidden_,
             read("output_proj.bias")};
}

/// torchfcpe pads so that there is a frame for every hop begun, but not always the last: that is then repeated.
void Fcpe::compute_mel(const nn::Context& context, Workspace& w, std::span<const float> waveform, Piece piece,
                       float* mel) const {
  using Padding = dsp::PaddedSignal::Padding;
  constexpr int64_t kPadding = (kFftSize - kHop) / 2;
  const auto samples = static_cast<int64_t>(waveform.size());
  const int64_t after = std::max(kPadding, kFftSize - samples - kPadding);
  const dsp::PaddedSignal signal(waveform, kPadding, after < samples ? Padding::kReflect : Padding::kZeros);
  const int64_t last_frame = (kPadding + samples + after - kFftSize) / kHop;
  w.spectra.resize(static_cast<size_t>(context.team.size()));
  for (dsp::Spectrum::Scratch& scratch : w.spectra) spectrum_.prepare(scratch);
  context.team.parallel_for(nn::parts_of(piece.count()), [&](int64_t part, int thread) {
    dsp::Spectrum::Scratch& scratch = w.spectra[static_cast<size_t>(thread)];
    const int64_t end = std::min((part + 1) * nn::kPartRows, piece.count());
    for (int64_t row = part * nn::kPartRows; row < end; ++row) {
      const int64_t place = std::min(piece.begin + row, last_frame) * kHop;
      spectrum_.magnitudes(signal.read(place, kFftSize, scratch.frame), kMagnitudeFloor, scratch,
                           scratch.magnitudes.data());
      mel_basis_.log_mel(scratch.magnitudes, mel + row * kMels);
    }
  });
}

/// workspace.hidden = the first convolution of the piece's spectrogram.
void Fcpe::run_first(const nn::Context& context, Workspace& w, std::span<const float> waveform,
                     Piece piece) const {
  float* mel = w.mel.data();
  nn::clear_around(mel, 1, piece.count(), whole_tiles(piece.count()) - piece.count() + 1, kMels);
  compute_mel(context, w, waveform, piece, mel + kMels);
  first_.run(exact(context), mel, kMels, 1.0F, piece.count(), w.hidden.data(), nn::row_stride(hidden_));
}

/// Adds the sums of frames [own_begin, own_end), which begin with a whole part, to workspace.sums.
void Fcpe::add_sums(const nn::Context& context, Workspace& w, Piece piece, int64_t own_begin,
                    int64_t own_end) const {
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t width = hidden_ / kGroups;
  const float* first_row = w.hidden.data() - piece.begin * stride;
  nn::in_parts(context, own_end - own_begin, [&](int64_t begin, int64_t end, int64_t part) {
    double* sums = w.sums.data() + (own_begin / nn::kPartRows + part) * 2 * kGroups;
    for (int64_t row = own_begin + begin; row < own_begin + end; ++row) {
      for (int64_t group = 0; group < kGroups; ++group) {
        const float* x = first_row + row * stride + group * width;
        for (int64_t c = 0; c < width; ++c) {
          sums[2 * group] += static_cast<double>(x[c]);
          sums[2 * group + 1] += static_cast<double>(x[c]) * static_cast<double>(x[c]);
        }
      }
    }
  });
}

/// The statistics over a group's channels and all frames, in double and in the order of the parts.
void Fcpe::settle_group_norm(Workspace& w, int64_t frames) const {
  const int64_t width = hidden_ / kGroups;
  const auto count = static_cast<double>(frames * width);
  w.scale.resize(first_norm_.scale.size());
  w.shift.resize(first_norm_.shift.size());
  for (int64_t group = 0; group < kGroups; ++group) {
    double sum = 0;
    double squares = 0;
    for (int64_t part = 0; part < nn::parts_of(frames); ++part) {
      const auto at = static_cast<size_t>((part * kGroups + group) * 2);
      sum += w.sums[at];
      squares += w.sums[at + 1];
    }
    const double mean = sum / count;
    const double variance = std::max(0.0, squares / count - mean * mean);
    const double factor = 1.0 / std::sqrt(variance + static_cast<double>(kNormEps));
    for (int64_t c = group * width; c < (group + 1) * width; ++c) {
      const auto channel = static_cast<size_t>(c);
      const double scale = factor * static_cast<double>(first_norm_.scale[channel]);
      w.scale[channel] = static_cast<float>(scale);
      w.shift[channel] = static_cast<float>(static_cast<double>(first_norm_.shift[channel]) - mean * scale);
    }
  }
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
  nn::in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    nn::layer_norm(context.kernels, layer.norm, kNormEps, hidden + begin * stride, stride, end - begin,
                   normed + begin * stride, stride);
  });
  nn::multiply(context, nn::matrix_rows(normed, stride, hidden_), frames, layer.in, wide, wide_stride);
  nn::clear_around(gated, kPadding, frames, kPadding, gated_stride);
  nn::in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    context.kernels.glu(wide + begin * wide_stride, wide_stride, end - begin, 2 * hidden_,
                        gated + (kPadding + begin) * gated_stride, gated_stride);
  });
  nn::in_parts(context, frames, [&](int64_t begin, int64_t end, int64_t) {
    context.kernels.depthwise(gated + begin * gated_stride, gated_stride, end - begin, 2 * hidden_,
                              layer.depthwise.data(), kDepthwiseKernel, layer.depthwise_bias.data(), kSilu,
                              wide + begin * gated_stride, gated_stride);
  });
  nn::multiply(context, nn::matrix_rows(wide, gated_stride, 2 * hidden_), frames, layer.out, normed, stride,
               {.residual = hidden, .residual_stride = stride});
  std::swap(w.hidden, w.other);
}

void Fcpe::reserve(Workspace& w, int64_t frames) const {
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t whole = whole_tiles(frames);
  w.mel.reserve((whole + 2) * kMels);
  w.wide.reserve(frames * nn::row_stride(4 * hidden_));
  w.gated.reserve((frames + kDepthwiseKernel - 1) * nn::row_stride(2 * hidden_));
  w.padded.reserve((whole + 2) * stride);
  w.hidden.reserve(whole * stride);
  w.other.reserve(whole * stride);
}

/// From the first convolution in workspace.hidden to the last LayerNorm in workspace.other.
void Fcpe::run_rest(const nn::Context& context, Workspace& w, Piece piece, const Poll& poll,
                    const Observe& observe) const {
  const int64_t stride = nn::row_stride(hidden_);
  const int64_t count = piece.count();
  const auto see = [&](const std::string& stage, const float* rows) {
    if (observe) observe(stage, rows, stride, hidden_);
  };
  float* padded = w.padded.data();
  nn::clear_around(padded, 1, count, whole_tiles(count) - count + 1, stride);
  nn::in_parts(context, count, [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t row = begin; row < end; ++row) {
      const float* x = w.hidden.data() + row * stride;
      float* to = padded + (1 + row) * stride;
      for (int64_t c = 0; c < hidden_; ++c)
        to[c] = x[c] * w.scale[static_cast<size_t>(c)] + w.shift[static_cast<size_t>(c)];
    }
  });
  second_.run(exact(context), padded, stride, kLeakySlope, count, w.hidden.data(), stride);
  see("input_stack", w.hidden.data());
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (poll) poll();
    run_layer(context, layers_[i], w, count);
    see(fmt::format("layer_{}", i), w.hidden.data());
  }
  nn::in_parts(context, count, [&](int64_t begin, int64_t end, int64_t) {
    nn::layer_norm(context.kernels, norm_, kNormEps, w.hidden.data() + begin * stride, stride, end - begin,
                   w.other.data() + begin * stride, stride);
  });
  see("norm", w.other.data());
}

void Fcpe::run(const nn::Context& context, Workspace& w, std::span<const float> waveform,
               const TakeSalience& take, const Poll& poll, const Observe& observe) const {
  static_assert(kPieceFrames % nn::kPartRows == 0, "a piece is whole parts of the sums");
  const int64_t most = w.piece_frames;
  const int64_t count = frames(static_cast<int64_t>(waveform.size()));
  // What the layers see, and for each convolution a tile: its rows are rounded together.
  const int64_t reach =
      whole_tiles(static_cast<int64_t>(layers_.size()) * (kDepthwiseKernel / 2)) + 2 * kTileFrames;
  const auto around = [&](int64_t begin, int64_t end, int64_t context_frames) {
    return Piece{std::max<int64_t>(0, begin - context_frames), std::min(end + context_frames, count)};
  };
  const auto end_of = [&](int64_t begin) { return std::min(begin + most, count); };
  reserve(w, std::min(count, most + 2 * reach));

  w.sums.assign(static_cast<size_t>(nn::parts_of(count) * kGroups * 2), 0.0);
  for (int64_t begin = 0; begin < count; begin += most) {
    if (poll) poll();
    const Piece piece = around(begin, end_of(begin), kTileFrames);
    run_first(context, w, waveform, piece);
    add_sums(context, w, piece, begin, end_of(begin));
  }
  settle_group_norm(w, count);
  for (int64_t begin = 0; begin < count; begin += most) {
    const Piece piece = around(begin, end_of(begin), reach);
    if (count > most) run_first(context, w, waveform, piece);  // else it is there still
    if (observe) observe("mel", w.mel.data() + kMels, kMels, kMels);
    run_rest(context, w, piece, poll, observe);
    const int64_t stride = nn::row_stride(hidden_);
    const int64_t own = end_of(begin) - begin;
    w.salience.resize(static_cast<size_t>(own * kSalienceBins));
    nn::multiply(exact(context),
                 nn::matrix_rows(w.other.data() + (begin - piece.begin) * stride, stride, hidden_), own,
                 output_, w.salience.data(), kSalienceBins, {.activation = {nn::Activation::Kind::kSigmoid}});
    take(begin, w.salience);
  }
}

}  // namespace contentvec::f0
