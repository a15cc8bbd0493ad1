#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nn/kernels/kernels.h"
#include "nn/packed_matrix.h"
#include "nn/same_conv1d.h"

namespace contentvec::nn {

/// A transposed convolution over time-major rows, with torch's padding: output row stride t + phase is made of the
/// input rows t + i, by tap phase + padding - stride i of the kernel. For one phase that is a plain convolution over a
/// few neighbours; phases side by side that see the same ones are one product, whose columns are their rows.
class ConvTranspose1d {
 public:
  ConvTranspose1d() = default;
  /// `weight`: [in, out, kernel], as torch keeps it; `bias`: [out]; kernel >= stride.
  ConvTranspose1d(const Kernels& kernels, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                  int64_t padding, std::span<const float> weight, std::span<const float> bias);

  /// The input rows that the output rows [stride * begin, stride * end) of some of its places need.
  [[nodiscard]] RowSpan inputs_of(RowSpan places) const;

  /// Those rows for `places` places, on the calling thread. x: the first of inputs_of(them), `x_stride` floats from one
  /// to the next; y: [stride * places, out]. `scratch`: Kernels::product_scratch.
  void run(const Kernels& kernels, const float* x, int64_t x_stride, int64_t places, float* y,
           std::byte* scratch) const;

 private:
  struct Phases {
    int64_t first;       ///< of those side by side
    RowSpan neighbours;  ///< that they see, from a place on
    PackedMatrix matrix;
  };

  int64_t in_ = 0;
  int64_t out_ = 0;
  int64_t stride_ = 1;
  std::vector<Phases> phases_;
};

}  // namespace contentvec::nn
