#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nn/kernels/kernels.h"
#include "runtime/aligned_buffer.h"

namespace contentvec::nn {

/// The right side of a product, packed once: a weight [columns, depth] and its bias. multiply() runs it.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// `weight` row by row; `bias` holds `columns` values, or none.
  PackedMatrix(const Kernels& kernels, std::span<const float> weight, int64_t columns, int64_t depth,
               std::span<const float> bias) {
    assign(kernels, weight, columns, depth, bias);
  }
  /// The same anew, in the memory it has where that is enough.
  void assign(const Kernels& kernels, std::span<const float> weight, int64_t columns, int64_t depth,
              std::span<const float> bias);

  [[nodiscard]] int64_t columns() const { return columns_; }
  [[nodiscard]] int64_t depth() const { return depth_; }
  /// The panels from `column` on, which must be the first of one.
  [[nodiscard]] const std::byte* panels(int64_t column = 0) const {
    return panels_.data() + column * column_bytes_;
  }
  /// Zero-padded to whole panels; null without a bias.
  [[nodiscard]] const float* bias() const { return has_bias_ ? bias_.data() : nullptr; }

 private:
  int64_t columns_ = 0;
  int64_t depth_ = 0;
  int64_t column_bytes_ = 0;
  bool has_bias_ = false;
  AlignedBuffer<std::byte> panels_;
  AlignedBuffer<float> bias_;
};

/// y = W x + b for each row x of [rows, depth].
using Linear = PackedMatrix;

}  // namespace contentvec::nn
