#include "nn/same_conv1d.h"

#include <algorithm>
#include <array>

#include "nn/matmul.h"
#include "nn/rounding.h"

namespace contentvec::nn {
namespace {

/// The finite points, in the order of Kernels::fast_conv_input.
constexpr std::array<double, 6> kPoints = {0, 1, -1, 2, -2, 0.5};

/// What the taps of one group are weighted with at a point: its powers, over the product of its differences to the
/// other finite points. The kernels' polynomials have the leading coefficient 1, or for (t - 1/2) the factor (2t - 1).
std::array<double, 4> tap_factors(int point, int points) {
  const int finite = points - 1;
  const double scale = points == 7 ? 0.5 : 1.0;
  if (point == finite)
    return points == 7 ? std::array<double, 4>{0, 0, 0, scale} : std::array<double, 4>{0, 0, 1, 0};
  const double at = kPoints[static_cast<size_t>(point)];
  double factor = point == 5 ? 1.0 : scale;
  for (int other = 0; other < finite; ++other) {
    if (other != point) factor /= at - kPoints[static_cast<size_t>(other)];
  }
  return {factor, factor * at, factor * at * at, factor * at * at * at};
}

/// Rows that a thread takes at a time: so many that each weight serves some tiles while these stay in L2.
constexpr int64_t kRowsOfPart = 128;

/// Products of bfloat16 take channels by two.
int64_t even(int64_t channels) {
  return channels + channels % 2;
}

}  // namespace

SameConv1d::SameConv1d(const Kernels& kernels, int64_t in, int64_t out, int64_t kernel, int64_t dilation,
                       std::span<const float> weight, std::span<const float> bias)
    : in_(in), out_(out), kernel_(kernel), dilation_(dilation) {
  if (kernel >= 3) {
    pack_fast(kernels, weight, bias);
  } else {
    plain_.assign(kernels, weight, out, kernel * in, bias);
  }
}

void SameConv1d::pack_fast(const Kernels& kernels, std::span<const float> weight,
                           std::span<const float> bias) {
  points_ = kernel_ == 3 ? 6 : 7;
  std::vector<float> at_point;
  fast_.resize(static_cast<size_t>(points_));
  for (int point = 0; point < points_; ++point) {
    // At infinity a group's last tap alone counts, which the last group lacks where it is not full.
    const bool spared = points_ == 7 && point == points_ - 1 && kernel_ % kTileRows != 0;
    const int64_t depth = (groups() - (spared ? 1 : 0)) * even(in_);
    at_point.assign(static_cast<size_t>(out_ * depth), 0.0F);
    const std::array<double, 4> factors = tap_factors(point, points_);
    float* to = at_point.data();
    for (int64_t o = 0; o < out_; ++o) {
      for (int64_t first = 0; first < depth / even(in_) * kTileRows; first += kTileRows, to += even(in_)) {
        const float* taps = weight.data() + (o * kernel_ + first) * in_;
        const int64_t count = std::min(kTileRows, kernel_ - first);
        for (int64_t channel = 0; channel < in_; ++channel) {
          double sum = 0;
          for (int64_t tap = 0; tap < count; ++tap)
            sum += factors[static_cast<size_t>(tap)] * static_cast<double>(taps[tap * in_ + channel]);
          to[channel] = static_cast<float>(sum);
        }
      }
    }
    fast_[static_cast<size_t>(point)].assign(kernels, at_point, out_, depth, bias);
  }
}

RowSpan SameConv1d::blocks_of(RowSpan rows) const {
  return {divide_down(rows.begin, block()) * block(), divide_up(rows.end, block()) * block()};
}

RowSpan SameConv1d::inputs_of(RowSpan blocks) const {
  if (points_ == 0) return {blocks.begin - reach(), blocks.end + reach()};
  // Each tile of four rows is seen with three more, and the last four taps begin so much later.
  const int64_t later = (groups() - 1) * kTileRows + points_ - kTileRows;
  return {blocks.begin - reach(), blocks.end - reach() + later * dilation_};
}

int64_t SameConv1d::scratch_size(int64_t rows) const {
  if (points_ == 0) return (rows + 2 * reach()) * row_stride(in_);
  const int64_t tiles = rows / kTileRows;
  return points_ * ((tiles + (groups() - 1) * dilation_) * row_stride(in_) + tiles * row_stride(out_));
}

void SameConv1d::run(const Context& context, const float* x, int64_t x_stride, float slope, int64_t rows,
                     float* y, int64_t y_stride) const {
  const int64_t all = blocks_of({0, rows}).end;
  const int64_t share = divide_up(all, context.team.size());
  const int64_t part_rows = divide_up(std::min(share, kRowsOfPart), block()) * block();
  context.reserve_scratch(scratch_size(part_rows));
  context.team.parallel_for(divide_up(all, part_rows), [&](int64_t part, int thread) {
    const int64_t begin = part * part_rows;
    run(context.kernels, x + begin * x_stride, x_stride, slope, std::min(part_rows, all - begin),
        y + begin * y_stride, y_stride, {}, context.scratch(thread), context.product_scratch(thread));
  });
}

void SameConv1d::run(const Kernels& kernels, const float* x, int64_t x_stride, float slope, int64_t rows,
                     float* y, int64_t y_stride, const Epilogue& epilogue, float* scratch,
                     std::byte* product_scratch) const {
  if (rows == 0) return;
  const int64_t stride = row_stride(in_);
  if (points_ == 0) {
    kernels.activate(x, x_stride, rows + 2 * reach(), in_, {Activation::Kind::kLeakyRelu, slope}, scratch,
                     stride);
    multiply(kernels, {scratch, stride, kernel_, in_, dilation_ * stride}, rows, plain_, y, y_stride,
             epilogue, product_scratch);
    return;
  }
  const int64_t tiles = rows / kTileRows;
  const FastConvTiles of_input = {.count = tiles + (groups() - 1) * dilation_,
                                  .dilation = dilation_,
                                  .channels = in_,
                                  .points = points_,
                                  .stride = stride};
  const FastConvTiles of_output = {
      .count = tiles, .dilation = dilation_, .channels = out_, .points = points_, .stride = row_stride(out_)};
  float* products = scratch + points_ * of_input.stride_of_point();
  kernels.fast_conv_input(x, x_stride, of_input, slope, scratch);
  for (int point = 0; point < points_; ++point) {
    const PackedMatrix& weight = fast_[static_cast<size_t>(point)];
    kernels.fast_conv_product(scratch, of_input, point, weight.depth() / even(in_), tiles, weight.panels(),
                              out_, products + point * of_output.stride_of_point(), of_output.stride,
                              product_scratch);
  }
  Epilogue with_bias = epilogue;
  with_bias.bias = fast_.front().bias();
  kernels.fast_conv_output(products, of_output, with_bias, y, y_stride);
}

}  // namespace contentvec::nn
