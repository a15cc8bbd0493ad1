#pragma once

#include <cstdint>
#include <vector>

namespace contentvec::tensors {

/// [outer, rows, columns] -> [outer, columns, rows]. Between the two orders of a convolution's weight,
/// torch's (out, in, kernel) and MLX's (out, kernel, in), it goes either way.
inline std::vector<float> swap_last_axes(const std::vector<float>& values, int64_t outer, int64_t rows,
                                         int64_t columns) {
  std::vector<float> result(values.size());
  const float* from = values.data();
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        result[static_cast<size_t>((o * columns + j) * rows + i)] = *from++;
      }
    }
  }
  return result;
}

}  // namespace contentvec::tensors
