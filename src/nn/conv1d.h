#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/kernels/kernels.h"
#include "nn/packed_matrix.h"

namespace contentvec::nn {

struct ConvShape {
  int64_t in;   ///< channels
  int64_t out;  ///< likewise
  int64_t kernel;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t groups = 1;  ///< of in / groups and out / groups channels each
};

/// A convolution of kernel 3 and stride 2 as a fast FIR filter (Winograd's F(2,2) on its two even taps): two
/// outputs side by side take 5 products where the convolution itself takes 6. With x0 .. x4 what the two see,
///   y0 = w0 x0 + w1 x1 + w2 x2 = shared + w0 (x0 - x2) + w1 x1
///   y1 = w0 x2 + w1 x3 + w2 x4 = shared + w2 (x4 - x2) + w1 x3,   shared = (w0 + w2) x2.
struct FastFir {
  PackedMatrix shared;  ///< w0 + w2, no bias
  PackedMatrix even;    ///< w0, w1, and the bias
  PackedMatrix odd;     ///< w2, w1, and the bias
};

/// A convolution over time-major rows, without padding: output row t is made of the input rows
/// t * stride + tap * dilation. A product whose left side are the rows themselves, with no copy.
class Conv1d {
 public:
  /// Whether a convolution may be computed as a FastFir. Which form a row is computed in then depends on its
  /// place among the rows of one call: only for a caller whose calls all begin with an even row.
  enum class Form { kPlain, kFastWherePossible };

  Conv1d() = default;
  /// `weight`: [out, kernel, in / groups], tap-major; `bias`: [out], or none.
  Conv1d(const Kernels& kernels, const ConvShape& shape, std::span<const float> weight,
         std::span<const float> bias, Form form = Form::kPlain);

  [[nodiscard]] const ConvShape& shape() const { return shape_; }
  /// The weight of one group [out / groups, kernel * in / groups], where it is not computed as a FastFir.
  [[nodiscard]] const PackedMatrix& group(int64_t index) const { return groups_[static_cast<size_t>(index)]; }

  /// `rows` rows of the output, from the first input row they need on, on the calling thread. A FastFir
  /// changes `input`. `kernels`: those it was packed for. `scratch`: Kernels::product_scratch.
  void run(const Kernels& kernels, float* input, int64_t input_stride, int64_t rows, float* output,
           int64_t output_stride, const Epilogue& epilogue, std::byte* scratch) const;

  /// The same over the team, of a convolution that is no FastFir: its input stays as it is.
  void run(const Context& context, const float* input, int64_t input_stride, int64_t rows, float* output,
           int64_t output_stride, const Epilogue& epilogue = {}) const;

 private:
  [[nodiscard]] Rows windows(const float* input, int64_t input_stride, int64_t group) const;
  void pack_fast_fir(const Kernels& kernels, std::span<const float> weight, std::span<const float> bias);
  void run_fast_fir(const Kernels& kernels, float* input, int64_t input_stride, int64_t rows, float* output,
                    int64_t output_stride, const Epilogue& epilogue, std::byte* scratch) const;

  ConvShape shape_ = {};
  std::vector<PackedMatrix> groups_;  ///< empty where it is a FastFir
  FastFir fast_fir_;
};

}  // namespace contentvec::nn
