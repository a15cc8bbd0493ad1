#include "nn/gru.h"

#include <algorithm>

#include "nn/matmul.h"

namespace contentvec::nn {
namespace {

constexpr int64_t kRowsOfGates = 256;  // whose products with the input are there at once, of each direction

}  // namespace

BidirectionalGru::BidirectionalGru(const Kernels& kernels, int64_t in, int64_t hidden,
                                   const Direction& forward, const Direction& backward)
    : in_(in),
      hidden_(hidden),
      input_{PackedMatrix(kernels, forward.input_weight, 3 * hidden, in, forward.input_bias),
             PackedMatrix(kernels, backward.input_weight, 3 * hidden, in, backward.input_bias)},
      recurrent_{
          PackedMatrix(*kernels.float32, forward.hidden_weight, 3 * hidden, hidden, forward.hidden_bias),
          PackedMatrix(*kernels.float32, backward.hidden_weight, 3 * hidden, hidden, backward.hidden_bias)} {}

void BidirectionalGru::run(const Context& context, const float* x, int64_t x_stride, int64_t rows,
                           int64_t own, std::span<float> state, float* to, int64_t to_stride,
                           AlignedBuffer<float>& gates) const {
  const int64_t stride = row_stride(3 * hidden_);
  float* of_input = gates.reserve(2 * kRowsOfGates * stride);
  float* const states[] = {state.data(), state.data() + hidden_};
  std::fill_n(states[1], hidden_, 0.0F);
  const Kernels& kernels = *context.kernels.float32;
  context.reserve_scratch(3 * hidden_);
  for (int64_t first = 0; first < rows; first += kRowsOfGates) {
    // Rows in the order in which each direction hears them; forward hears none beyond its own.
    const int64_t ends[] = {std::min(first + kRowsOfGates, own), std::min(first + kRowsOfGates, rows)};
    const int64_t lowest[] = {first, rows - ends[1]};
    for (size_t direction = 0; direction < 2; ++direction) {
      if (first < ends[direction])
        multiply(context, matrix_rows(x + lowest[direction] * x_stride, x_stride, in_),
                 ends[direction] - first, input_[direction],
                 of_input + static_cast<int64_t>(direction) * kRowsOfGates * stride, stride);
    }
    context.team.parallel_for(2, [&](int64_t item, int thread) {
      const auto direction = static_cast<size_t>(item);
      float* of_state = context.scratch(thread);
      const PackedMatrix& recurrent = recurrent_[direction];
      for (int64_t step = first; step < ends[direction]; ++step) {
        const int64_t row = direction == 0 ? step : rows - 1 - step;
        kernels.product(matrix_rows(states[direction], hidden_, hidden_), 1, recurrent.panels(), 3 * hidden_,
                        of_state, 3 * hidden_, {.bias = recurrent.bias()}, context.product_scratch(thread));
        kernels.gru_step(of_input + (item * kRowsOfGates + row - lowest[direction]) * stride, of_state,
                         hidden_, states[direction]);
        if (row < own) std::copy_n(states[direction], hidden_, to + row * to_stride + item * hidden_);
      }
    });
  }
}

}  // namespace contentvec::nn
