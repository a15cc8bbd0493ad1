#include "nn/packed_matrix.h"

#include <algorithm>

namespace contentvec::nn {

void PackedMatrix::assign(const Kernels& kernels, std::span<const float> weight, int64_t columns,
                          int64_t depth, std::span<const float> bias) {
  columns_ = columns;
  depth_ = depth;
  const int64_t padded = padded_columns(kernels, columns);
  const int64_t bytes = panel_bytes(kernels, kernels.weights, columns, depth);
  column_bytes_ = bytes / padded;
  kernels.pack(weight.data(), depth, columns, depth, panels_.reserve(bytes));
  has_bias_ = !bias.empty();
  if (has_bias_) {
    float* out = bias_.reserve(padded);
    std::fill(std::copy(bias.begin(), bias.end(), out), out + padded, 0.0F);
  }
}

}  // namespace contentvec::nn
