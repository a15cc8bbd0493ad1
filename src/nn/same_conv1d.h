#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/kernels/kernels.h"
#include "nn/packed_matrix.h"
#include "nn/row_span.h"

namespace contentvec::nn {

/// A dilated convolution of stride 1 over time-major rows that gives as many rows as it takes, which takes zeros before
/// the first row and after the last: output row t is made of the input rows t + (tap - kernel / 2) dilation.
///
/// Its fast form computes four outputs a_0 .. a_3, dilation apart, from four taps as Toom and Cook multiply
/// polynomials, which Winograd turned into a filter (F(4,4); "Arithmetic Complexity of Computations", 1980; Lavin and
/// Gray 2016, arXiv:1509.09308): seven products at the points 0, 1, -1, 2, -2, 1/2 and infinity, in place of 16. A
/// longer kernel is cut into groups of four taps, whose products at a point are added up before they are
/// transformed back. A kernel of three is F(4,3): without the point 1/2, six products in place of 12. Which rows are
/// computed together depends on their place in time alone.
class SameConv1d {
 public:
  static constexpr int64_t kTileRows = 4;  ///< outputs that are computed together, dilation apart

  SameConv1d() = default;
  /// `weight`: [out, kernel, in], tap-major; `bias`: [out].
  SameConv1d(const Kernels& kernels, int64_t in, int64_t out, int64_t kernel, int64_t dilation,
             std::span<const float> weight, std::span<const float> bias);

  [[nodiscard]] int64_t out() const { return out_; }
  /// Rows that are computed together; calls are for whole blocks of them, the first of which begins with row 0.
  [[nodiscard]] int64_t block() const { return points_ == 0 ? 1 : kTileRows * dilation_; }
  /// The whole blocks around some rows.
  [[nodiscard]] RowSpan blocks_of(RowSpan rows) const;
  /// The input rows that whole blocks read.
  [[nodiscard]] RowSpan inputs_of(RowSpan blocks) const;
  /// Floats that run() works in for so many rows.
  [[nodiscard]] int64_t scratch_size(int64_t rows) const;

  /// y = epilogue(conv(leaky_relu(x, slope))) for `rows` rows, on the calling thread; the bias is its own. x: the first
  /// of inputs_of(them), `x_stride` floats from one to the next. `kernels`: those it was packed for. `product_scratch`:
  /// Kernels::product_scratch.
  void run(const Kernels& kernels, const float* x, int64_t x_stride, float slope, int64_t rows, float* y,
           int64_t y_stride, const Epilogue& epilogue, float* scratch, std::byte* product_scratch) const;
  /// The same for blocks_of({0, rows}), over the team, without an epilogue.
  void run(const Context& context, const float* x, int64_t x_stride, float slope, int64_t rows, float* y,
           int64_t y_stride) const;

 private:
  void pack_fast(const Kernels& kernels, std::span<const float> weight, std::span<const float> bias);
  [[nodiscard]] int64_t reach() const { return kernel_ / 2 * dilation_; }
  [[nodiscard]] int64_t groups() const { return (kernel_ + kTileRows - 1) / kTileRows; }

  int64_t in_ = 0;
  int64_t out_ = 0;
  int64_t kernel_ = 1;
  int64_t dilation_ = 1;
  int points_ = 0;                  ///< of the fast form
  PackedMatrix plain_;              ///< and the bias of both forms
  std::vector<PackedMatrix> fast_;  ///< by point
};

}  // namespace contentvec::nn
