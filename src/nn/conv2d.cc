#include "nn/conv2d.h"

#include <algorithm>

#include "nn/matmul.h"
#include "nn/winograd.h"

namespace contentvec::nn {
namespace {

/// The taps of a transposed convolution along one axis, by the parity of the output's place: which input pixel, from
/// the one at half the place on, and which of the kernel's three.
struct Tap {
  int64_t pixel;
  int64_t kernel;
};
constexpr std::array<Tap, 1> kEvenTaps = {{{0, 1}}};
constexpr std::array<Tap, 2> kOddTaps = {{{0, 2}, {1, 0}}};

std::span<const Tap> taps(bool odd) {
  return odd ? std::span<const Tap>(kOddTaps) : std::span<const Tap>(kEvenTaps);
}

float scaled(float weight, const ChannelAffine* norm, int64_t channel) {
  if (norm == nullptr) return weight;
  return static_cast<float>(static_cast<double>(weight) * norm->scale[static_cast<size_t>(channel)]);
}

std::vector<float> folded_bias(int64_t out, std::span<const float> bias, const ChannelAffine* norm) {
  std::vector<float> folded(bias.begin(), bias.end());
  if (norm == nullptr) return folded;
  folded.resize(static_cast<size_t>(out));
  for (size_t c = 0; c < folded.size(); ++c) {
    const double before = bias.empty() ? 0.0 : static_cast<double>(bias[c]);
    folded[c] = static_cast<float>(before * norm->scale[c] + norm->shift[c]);
  }
  return folded;
}

}  // namespace

Conv2d::Conv2d(const Kernels& kernels, int64_t in, int64_t out, int64_t kernel, std::span<const float> weight,
               std::span<const float> bias, const ChannelAffine* norm)
    : kernel_(kernel) {
  // Row of the kernel by row, in each pixel by pixel, channels last: as a map's memory goes.
  const int64_t taps_of_kernel = kernel * kernel;
  std::vector<float> packed(weight.size());
  const float* from = weight.data();
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t tap = 0; tap < taps_of_kernel; ++tap)
        packed[static_cast<size_t>((o * taps_of_kernel + tap) * in + i)] = scaled(*from++, norm, o);
    }
  }
  matrix_.assign(kernels, packed, out, taps_of_kernel * in, folded_bias(out, bias, norm));
}

void Conv2d::run(const Context& context, const FeatureMap& from, FeatureMap& to, Activation activation,
                 const FeatureMap* residual) const {
  to.resize(from.height(), from.width(), out());
  const Epilogue epilogue = {.activation = activation,
                             .residual = residual == nullptr ? nullptr : residual->at(0, 0),
                             .residual_stride = out()};
  if (kernel_ == 3 && winograd_pays(context.kernels, from))
    return run_winograd(context, from, matrix_, to, epilogue);
  const int64_t reach = kernel_ / 2;
  const Rows pixels = {from.at(-reach, -reach), from.channels(), kernel_, kernel_ * from.channels(),
                       from.row_stride()};
  multiply(context, pixels, from.span(), matrix_, to.at(0, 0), out(), epilogue);
  to.clear_between_rows(0, to.height());
}

UpConv2d::UpConv2d(const Kernels& kernels, int64_t in, int64_t out, std::span<const float> weight,
                   const ChannelAffine& norm) {
  const std::vector<float> bias = folded_bias(out, {}, &norm);
  for (size_t phase = 0; phase < phases_.size(); ++phase) {
    const std::span<const Tap> rows = taps(phase / 2 == 1);
    const std::span<const Tap> columns = taps(phase % 2 == 1);
    std::vector<float> packed;
    packed.reserve(static_cast<size_t>(out * in) * rows.size() * columns.size());
    for (int64_t o = 0; o < out; ++o) {
      for (const Tap& row : rows) {
        for (const Tap& column : columns) {
          for (int64_t i = 0; i < in; ++i) {
            const auto at = static_cast<size_t>((i * out + o) * 9 + row.kernel * 3 + column.kernel);
            packed.push_back(scaled(weight[at], &norm, o));
          }
        }
      }
    }
    phases_[phase].assign(kernels, packed, out, static_cast<int64_t>(packed.size()) / out, bias);
  }
}

void UpConv2d::run(const Context& context, const FeatureMap& from, FeatureMap& to, Activation activation,
                   AlignedBuffer<float>& between) const {
  float* phase_pixels = between.reserve(from.span() * out());
  for (size_t phase = 0; phase < phases_.size(); ++phase) {
    const int64_t odd_row = static_cast<int64_t>(phase) / 2;
    const int64_t odd_column = static_cast<int64_t>(phase) % 2;
    const Rows pixels = {from.at(0, 0), from.channels(), 1 + odd_row, (1 + odd_column) * from.channels(),
                         from.row_stride()};
    multiply(context, pixels, from.span(), phases_[phase], phase_pixels, out(), {.activation = activation});
    context.team.parallel_for(from.height(), [&](int64_t y, int) {
      const float* pixel = phase_pixels + y * (from.width() + 1) * out();
      for (int64_t x = 0; x < from.width(); ++x, pixel += out())
        std::copy_n(pixel, out(), to.at(2 * y + odd_row, 2 * x + odd_column));
    });
  }
}

void average_pool(const Context& context, const FeatureMap& from, FeatureMap& to) {
  to.resize(from.height() / 2, from.width() / 2, from.channels());
  context.team.parallel_for(to.height(), [&](int64_t y, int) {
    for (int64_t x = 0; x < to.width(); ++x) {
      const float* above = from.at(2 * y, 2 * x);
      const float* below = from.at(2 * y + 1, 2 * x);
      float* out = to.at(y, x);
      const int64_t channels = from.channels();
      for (int64_t c = 0; c < channels; ++c)
        out[c] = (above[c] + above[channels + c] + below[c] + below[channels + c]) * 0.25F;
    }
  });
}

}  // namespace contentvec::nn
