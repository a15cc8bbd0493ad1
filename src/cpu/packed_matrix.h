#pragma once

#include <cstdint>
#include <span>

#include "cpu/kernels/kernels.h"
#include "runtime/aligned_buffer.h"

namespace contentvec::cpu {

/// Writes the [depth, columns] matrix B, given as its transpose row by row (weight[column * row_stride + k],
/// the way linear layers store it), as the panels Kernels::product reads. `panels`: padded_columns * depth
/// floats.
void pack_panels(const Kernels& kernels, const float* weight, int64_t row_stride, int64_t columns,
                 int64_t depth, float* panels);

/// The right side of a product, packed once: a weight [columns, depth] and its bias.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// `bias` holds `columns` values, or none.
  PackedMatrix(const Kernels& kernels, std::span<const float> weight, int64_t columns, int64_t depth,
               std::span<const float> bias);

  [[nodiscard]] int64_t columns() const { return columns_; }
  [[nodiscard]] int64_t depth() const { return depth_; }
  [[nodiscard]] const float* panels() const { return panels_.data(); }
  /// Zero-padded to whole panels; null without a bias.
  [[nodiscard]] const float* bias() const { return bias_.data(); }

 private:
  int64_t columns_ = 0;
  int64_t depth_ = 0;
  AlignedBuffer panels_;
  AlignedBuffer bias_;
};

}  // namespace contentvec::cpu
