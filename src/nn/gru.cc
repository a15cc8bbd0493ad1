#include "nn/gru.h"

#include <algorithm>

#include "nn/matmul.h"

namespace contentvec::nn {
namespace {

std::vector<float> joined(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> both = a;
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

}  // namespace

BidirectionalGru::BidirectionalGru(const Kernels& kernels, int64_t in, int64_t hidden,
                                   const Direction& forward, const Direction& backward)
    : in_(in),
      hidden_(hidden),
      input_(kernels, joined(forward.input_weight, backward.input_weight), 6 * hidden, in,
             joined(forward.input_bias, backward.input_bias)),
      recurrent_{
          PackedMatrix(*kernels.float32, forward.hidden_weight, 3 * hidden, hidden, forward.hidden_bias),
          PackedMatrix(*kernels.float32, backward.hidden_weight, 3 * hidden, hidden, backward.hidden_bias)} {}

void BidirectionalGru::run(const Context& context, const float* x, int64_t x_stride, int64_t rows, float* to,
                           int64_t to_stride, AlignedBuffer<float>& gates) const {
  const int64_t stride = row_stride(6 * hidden_);
  float* of_input = gates.reserve(rows * stride);
  multiply(context, matrix_rows(x, x_stride, in_), rows, input_, of_input, stride);

  const Kernels& kernels = *context.kernels.float32;
  context.reserve_scratch(4 * hidden_);
  context.team.parallel_for(2, [&](int64_t direction, int thread) {
    float* state = context.scratch(thread);
    float* of_state = state + hidden_;
    std::fill_n(state, hidden_, 0.0F);
    const PackedMatrix& recurrent = recurrent_[static_cast<size_t>(direction)];
    for (int64_t step = 0; step < rows; ++step) {
      const int64_t row = direction == 0 ? step : rows - 1 - step;
      kernels.product(matrix_rows(state, hidden_, hidden_), 1, recurrent.panels(), 3 * hidden_, of_state,
                      3 * hidden_, {.bias = recurrent.bias()}, context.product_scratch(thread));
      kernels.gru_step(of_input + row * stride + direction * 3 * hidden_, of_state, hidden_, state);
      std::copy_n(state, hidden_, to + row * to_stride + direction * hidden_);
    }
  });
}

}  // namespace contentvec::nn
