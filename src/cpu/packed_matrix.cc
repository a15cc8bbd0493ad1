#include "cpu/packed_matrix.h"

#include <algorithm>

namespace contentvec::cpu {

void pack_panels(const Kernels& kernels, const float* weight, int64_t row_stride, int64_t columns,
                 int64_t depth, float* panels) {
  constexpr int64_t kBlock =
      16;  // of the depth: the panel's lines written stay in cache while the columns go by
  const int64_t width = kernels.panel_width;
  for (int64_t first = 0; first < columns; first += width, panels += width * depth) {
    const int64_t count = std::min(width, columns - first);
    for (int64_t begin = 0; begin < depth; begin += kBlock) {
      const int64_t end = std::min(begin + kBlock, depth);
      for (int64_t column = 0; column < count; ++column) {
        const float* from = weight + (first + column) * row_stride;
        for (int64_t k = begin; k < end; ++k) panels[k * width + column] = from[k];
      }
      for (int64_t k = begin; k < end; ++k)
        std::fill(panels + k * width + count, panels + (k + 1) * width, 0.0F);
    }
  }
}

PackedMatrix::PackedMatrix(const Kernels& kernels, std::span<const float> weight, int64_t columns,
                           int64_t depth, std::span<const float> bias)
    : columns_(columns), depth_(depth), panels_(padded_columns(kernels, columns) * depth) {
  pack_panels(kernels, weight.data(), depth, columns, depth, panels_.data());
  if (!bias.empty()) {
    const int64_t padded = padded_columns(kernels, columns);
    float* out = bias_.reserve(padded);
    std::fill(std::copy(bias.begin(), bias.end(), out), out + padded, 0.0F);
  }
}

}  // namespace contentvec::cpu
