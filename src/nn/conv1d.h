#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/fast_fir.h"
#include "nn/kernels/kernels.h"
#include "nn/packed_matrix.h"
#include "nn/row_span.h"

namespace contentvec::nn {

struct ConvShape {
  int64_t in;   ///< channels
  int64_t out;  ///< likewise
  int64_t kernel;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t groups = 1;  ///< of in / groups and out / groups channels each
};

/// A convolution over time-major rows, without padding: output row t is made of the input rows
/// t * stride + tap * dilation. A product whose left side are the rows themselves, with no copy.
class Conv1d {
 public:
  /// Whether a convolution may be computed as a FastFir.
  enum class Form { kPlain, kFastWherePossible };

  Conv1d() = default;
  /// `weight`: [out, kernel, in / groups], tap-major; `bias`: [out], or none.
  Conv1d(const Kernels& kernels, const ConvShape& shape, std::span<const float> weight,
         std::span<const float> bias, Form form = Form::kPlain);

  [[nodiscard]] const ConvShape& shape() const { return shape_; }
  /// The weight of one group [out / groups, kernel * in / groups], where it is not computed as a FastFir.
  [[nodiscard]] const PackedMatrix& group(int64_t index) const { return groups_[static_cast<size_t>(index)]; }

  /// Rows that are computed together; calls for rows begin with a multiple of it.
  [[nodiscard]] int64_t block() const { return fast_ ? FastFir::kRows : 1; }
  /// The input rows that rows of the output read. Those that a FastFir reads past the input's end are to be zeros.
  [[nodiscard]] RowSpan inputs_of(RowSpan rows) const;
  /// Floats that run() works in.
  [[nodiscard]] int64_t scratch_size() const { return fast_ ? fast_->scratch_size() : 0; }

  /// `rows` rows of the output, from the first of the input rows they read on, on the calling thread. A FastFir changes
  /// `input`. `kernels`: those it was packed for. `product_scratch`: Kernels::product_scratch.
  void run(const Kernels& kernels, float* input, int64_t input_stride, int64_t rows, float* output,
           int64_t output_stride, const Epilogue& epilogue, float* scratch, std::byte* product_scratch) const;

  /// The same over the team, of a convolution that is no FastFir: its input stays as it is.
  void run(const Context& context, const float* input, int64_t input_stride, int64_t rows, float* output,
           int64_t output_stride, const Epilogue& epilogue = {}) const;

 private:
  [[nodiscard]] Rows windows(const float* input, int64_t input_stride, int64_t group) const;

  ConvShape shape_ = {};
  std::vector<PackedMatrix> groups_;  ///< empty where it is a FastFir
  std::optional<FastFir> fast_;
};

}  // namespace contentvec::nn
