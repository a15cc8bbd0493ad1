#include "nn/fast_fir.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "nn/matmul.h"
#include "nn/rounding.h"

namespace contentvec::nn {
namespace {

/// Threes of rows that go through all products at a time: with what they read they stay in an L2 of 1 MB.
constexpr int64_t kThrees = 36;

/// [out, in] of weights made from the three taps.
template <typename OfTaps>
std::vector<float> of_taps(int64_t in, std::span<const float> weight, const OfTaps& of_taps) {
  std::vector<float> result;
  result.reserve(weight.size() / 3);
  for (auto tap = weight.begin(); tap != weight.end(); tap += 3 * in) {
    for (int64_t i = 0; i < in; ++i) result.push_back(of_taps(tap[i], tap[in + i], tap[2 * in + i]));
  }
  return result;
}

/// Of the rows x0, x2, x4 and x6 of a three: x0 - x4 in place of x0, x2 + x4 of x2, x6 - x2 of x4, and x2 - x4 apart.
void combine_inputs(float* x0, float* x2, float* x4, const float* x6, int64_t count, float* difference) {
  for (int64_t i = 0; i < count; ++i) {
    const float second = x2[i];
    const float third = x4[i];
    difference[i] = second - third;
    x0[i] -= third;
    x2[i] = second + third;
    x4[i] = x6[i] - second;
  }
}
/// The same of a last one of one row or two, which x6 plays no part in; x4 stays.
void combine_inputs(float* x0, float* x2, const float* x4, int64_t count, float* difference) {
  for (int64_t i = 0; i < count; ++i) {
    difference[i] = x2[i] - x4[i];
    x0[i] -= x4[i];
    x2[i] += x4[i];
  }
}

}  // namespace

FastFir::FastFir(const Kernels& kernels, int64_t in, int64_t out, std::span<const float> weight,
                 std::span<const float> bias)
    : sum_(kernels, of_taps(in, weight, [](float w0, float, float w2) { return 0.5F * (w0 + w2); }), out, in,
           {}),
      difference_(kernels, of_taps(in, weight, [](float w0, float, float w2) { return 0.5F * (w0 - w2); }),
                  out, in, {}),
      first_(kernels, of_taps(in, weight, [](float w0, float, float) { return w0; }), out, in, {}),
      last_(kernels, of_taps(in, weight, [](float, float, float w2) { return w2; }), out, in, {}),
      middle_(kernels, of_taps(in, weight, [](float, float w1, float) { return w1; }), out, in, bias) {}

RowSpan FastFir::inputs_of(RowSpan rows) {
  // The first row of a three sees x4 beside the x0 .. x2 of its own.
  const int64_t more = rows.end % kRows == 1 ? 2 : 0;
  return {2 * rows.begin, 2 * rows.end + 1 + more};
}

int64_t FastFir::scratch_size() const {
  return kThrees * (row_stride(middle_.depth()) + row_stride(middle_.columns()));
}

void FastFir::run(const Kernels& kernels, float* x, int64_t x_stride, int64_t rows, float* y,
                  int64_t y_stride, const Epilogue& epilogue, float* scratch,
                  std::byte* product_scratch) const {
  constexpr int64_t kSome = kThrees * kRows;
  for (int64_t row = 0; row < rows; row += kSome) {
    Epilogue of_some = epilogue;
    if (epilogue.residual != nullptr) of_some.residual += row * epilogue.residual_stride;
    run_some(kernels, x + 2 * row * x_stride, x_stride, std::min(kSome, rows - row), y + row * y_stride,
             y_stride, of_some, scratch, product_scratch);
  }
}

void FastFir::run_some(const Kernels& kernels, float* x, int64_t x_stride, int64_t rows, float* y,
                       int64_t y_stride, const Epilogue& epilogue, float* scratch,
                       std::byte* product_scratch) const {
  const int64_t threes = divide_up(rows, kRows);
  const int64_t whole = rows / kRows;
  const int64_t in = middle_.depth();
  const int64_t out = middle_.columns();
  const int64_t difference_stride = row_stride(in);
  const int64_t product_stride = row_stride(out);
  float* differences = scratch;
  float* products = scratch + kThrees * difference_stride;
  // Every sixth row of the input from row `first` on; every third of the output's.
  const auto inputs = [&](int64_t first) {
    return Rows{x + first * x_stride, 2 * kRows * x_stride, 1, in, 0};
  };
  const auto outputs = [&](int64_t three, int64_t row) { return y + (three * kRows + row) * y_stride; };

  for (int64_t three = 0; three < threes; ++three) {
    float* x0 = x + three * 2 * kRows * x_stride;
    float* difference = differences + three * difference_stride;
    if (three < whole) {
      combine_inputs(x0, x0 + 2 * x_stride, x0 + 4 * x_stride, x0 + 6 * x_stride, in, difference);
    } else {
      combine_inputs(x0, x0 + 2 * x_stride, x0 + 4 * x_stride, in, difference);
    }
  }
  multiply(kernels, inputs(2), threes, sum_, y, kRows * y_stride, {}, product_scratch);
  multiply(kernels, matrix_rows(differences, difference_stride, in), threes, difference_, products,
           product_stride, {}, product_scratch);
  for (int64_t three = 0; three < threes; ++three) {
    float* y0 = outputs(three, 0);
    const float* product = products + three * product_stride;
    if (three * kRows + 1 < rows) std::transform(y0, y0 + out, product, outputs(three, 1), std::plus());
    std::transform(y0, y0 + out, product, y0, std::minus());
    if (three < whole) std::copy_n(y0, out, outputs(three, 2));
  }
  const Epilogue added = {.accumulate = true};
  multiply(kernels, inputs(0), threes, first_, y, kRows * y_stride, added, product_scratch);
  multiply(kernels, inputs(4), whole, last_, outputs(0, 2), kRows * y_stride, added, product_scratch);
  Epilogue last = epilogue;
  last.accumulate = true;
  multiply(kernels, {x + x_stride, 2 * x_stride, 1, in, 0}, rows, middle_, y, y_stride, last,
           product_scratch);
}

}  // namespace contentvec::nn
