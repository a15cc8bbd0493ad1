#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "checkpoint/tensor.h"

namespace contentvec::tensors {

/// The same elements with their axes in another order: axis d of the result is axis order[d] of `tensor`. A
/// view: nothing is copied. MLX keeps a convolution's weight as (out, kernel, in), torch as (out, in,
/// kernel): {0, 2, 1} goes either way; of a transposed one torch has (in, out, kernel), which is {2, 0, 1} of
/// MLX's.
checkpoint::Tensor permuted(const checkpoint::Tensor& tensor, std::span<const size_t> order);

/// [outer, rows, columns] -> [outer, columns, rows], of values that were read.
std::vector<float> swap_last_axes(const std::vector<float>& values, int64_t outer, int64_t rows,
                                  int64_t columns);

}  // namespace contentvec::tensors
