#pragma once

#include <cstdint>

namespace contentvec::cpu {

/// The left side of a product: rows that may overlap and be cut into equal segments, so that a convolution
/// over time-major frames is a product with no copy. Element k of row i is
///   data[i * row_stride + (k / segment_length) * segment_stride + k % segment_length].
/// A plain matrix has one segment; a convolution has one per kernel tap, and row_stride = stride *
/// segment_stride.
struct Rows {
  const float* data;
  int64_t row_stride;
  int64_t segments;
  int64_t segment_length;
  int64_t segment_stride;
};

/// What happens to a tile of a product before it is stored, in this order.
struct Epilogue {
  const float* bias = nullptr;      ///< [columns, rounded up to whole panels]; null: none
  bool gelu = false;                ///< the exact, erf, form
  const float* residual = nullptr;  ///< [rows, columns], added last; may be the output itself; null: none
  int64_t residual_stride = 0;
};

/// The kernels of one instruction set. All work on float32, touch no memory beyond the stated sizes, need no
/// alignment, keep no state and are safe to call from any thread. Every output element is computed by the
/// same sequence of operations wherever it falls in a tile, so how a caller cuts the rows or the columns
/// changes no bit.
struct Kernels {
  const char* isa;  ///< the name that CONTENTVEC_ISA takes
  int tile_rows;    ///< rows of A that one tile of the product takes
  int panel_width;  ///< columns of B that one panel holds

  /// C[rows, columns] = epilogue(A B). `panels` holds B as ceil(columns / panel_width) panels of [depth,
  /// panel_width], zero-filled at the right, where depth = segments * segment_length. Sums run over blocks of
  /// at most 256 products, which keeps float32's rounding near that of a pairwise sum.
  void (*product)(const Rows& a, int64_t rows, const float* panels, int64_t columns, float* c,
                  int64_t c_stride, const Epilogue& epilogue);

  /// out[i] = gelu?((x[i] - mean) / sqrt(variance + eps) * scale + shift) for each row of `width` values; the
  /// sums in double. `out` may be `x`.
  void (*layer_norm)(const float* x, int64_t x_stride, int64_t rows, int64_t width, const float* scale,
                     const float* shift, float eps, bool gelu, float* out, int64_t out_stride);

  /// One head of softmax(q k') v for `rows` queries over `keys` keys, the softmax running over blocks of keys
  /// so that memory does not grow with their number. q: [rows, head_dim], already scaled. `k_panels`: the
  /// panels of the [head_dim, keys] matrix k'; `v_panels`: those of the [keys, head_dim] matrix v. out:
  /// [rows, head_dim]. `scratch`: attention_scratch(*this, head_dim) floats.
  void (*attention)(const float* q, int64_t q_stride, int64_t rows, const float* k_panels,
                    const float* v_panels, int64_t keys, int64_t head_dim, float* out, int64_t out_stride,
                    float* scratch);
};

/// Keys per step of the running softmax.
inline constexpr int64_t kKeyBlock = 256;

inline int64_t panels_of(const Kernels& kernels, int64_t columns) {
  return (columns + kernels.panel_width - 1) / kernels.panel_width;
}
/// `columns` rounded up to whole panels.
inline int64_t padded_columns(const Kernels& kernels, int64_t columns) {
  return panels_of(kernels, columns) * kernels.panel_width;
}
inline int64_t attention_scratch(const Kernels& kernels, int64_t head_dim) {
  return kernels.tile_rows * (kKeyBlock + 2 * padded_columns(kernels, head_dim));
}

// One per source file in this folder; null where the compiler does not target that instruction set.
const Kernels* scalar_kernels();
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();
const Kernels* neon_kernels();

}  // namespace contentvec::cpu
