#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nn/kernels/kernels.h"
#include "nn/packed_matrix.h"
#include "nn/row_span.h"

namespace contentvec::nn {

/// A convolution of kernel 3 and stride 2 over time-major rows, without padding, as a fast FIR filter: three outputs
/// side by side take 7 products where the convolution itself takes 9. Its two even taps are a filter over every second
/// row, which Winograd's F(3,2) at the points 0, 1, -1 and infinity computes ("Arithmetic Complexity of Computations",
/// 1980). With x0 .. x6 what the three outputs see,
///   y0 = w0 (x0 - x4) + s - d + w1 x1     s = (w0 + w2) / 2 (x2 + x4)
///   y1 =                s + d + w1 x3     d = (w0 - w2) / 2 (x2 - x4)
///   y2 = w2 (x6 - x2) + s - d + w1 x5
/// Which rows are computed together depends on their place in time alone.
class FastFir {
 public:
  static constexpr int64_t kRows = 3;  ///< that are computed together

  FastFir() = default;
  /// `weight`: [out, 3, in], tap-major; `bias`: [out], or none.
  FastFir(const Kernels& kernels, int64_t in, int64_t out, std::span<const float> weight,
          std::span<const float> bias);

  /// The input rows that rows of the output read, whose first is a multiple of kRows. Those past the input's end are to
  /// be zeros.
  [[nodiscard]] static RowSpan inputs_of(RowSpan rows);
  /// Floats that run() works in.
  [[nodiscard]] int64_t scratch_size() const;

  /// y = epilogue(conv(x)) for `rows` rows, on the calling thread; the bias is its own, the epilogue's `accumulate` not
  /// read. x: the first of inputs_of(them), which are changed. `kernels`: those it was packed for. `product_scratch`:
  /// Kernels::product_scratch.
  void run(const Kernels& kernels, float* x, int64_t x_stride, int64_t rows, float* y, int64_t y_stride,
           const Epilogue& epilogue, float* scratch, std::byte* product_scratch) const;

 private:
  void run_some(const Kernels& kernels, float* x, int64_t x_stride, int64_t rows, float* y, int64_t y_stride,
                const Epilogue& epilogue, float* scratch, std::byte* product_scratch) const;

  PackedMatrix sum_;         ///< (w0 + w2) / 2
  PackedMatrix difference_;  ///< (w0 - w2) / 2
  PackedMatrix first_;       ///< w0
  PackedMatrix last_;        ///< w2
  PackedMatrix middle_;      ///< w1, and the bias
};

}  // namespace contentvec::nn
