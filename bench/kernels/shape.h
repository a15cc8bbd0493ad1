#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "contentvec/model.h"

namespace contentvec::bench {

/// One step of a model, with the sizes it has there. Activations are [rows, channels], time-major.
struct Shape {
  enum class Kind {
    kProduct,      ///< a linear layer: [rows, in] by [in, out], and bias
    kConvolution,  ///< a 1-d convolution from [in_rows, in] to [rows, out], no padding, and GELU
    kPositions,    ///< the positional convolution: grouped, padded by kernel / 2, last row dropped, bias and
                   ///< GELU
    kAttention,    ///< softmax(q k') v of all heads over [rows, in], q already scaled
    kNorm,         ///< LayerNorm of [rows, in]
    kMap,          ///< a 3x3 convolution of a map of `rows` pixels, `width` of them side by side, padded by 1
  };
  std::string name;
  Kind kind = Kind::kProduct;
  int64_t rows = 0;
  int64_t in = 0;
  int64_t out = 0;
  bool gelu = false;  ///< of a product
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t groups = 1;  ///< of the positional convolution; heads of attention
  int64_t width = 1;   ///< of a map

  /// Rows of the input.
  [[nodiscard]] int64_t in_rows() const {
    return kind == Kind::kConvolution ? (rows - 1) * stride + kernel : rows;
  }
  /// Two for each product; LayerNorm, whose work is memory's, counts as 8 a value.
  [[nodiscard]] double flops() const;
};

/// The steps of a model on a waveform of `samples` samples.
std::vector<Shape> shapes_of(const ModelConfig& config, int64_t samples);
/// Those of RMVPE that most of its time goes into: each layer's convolution of all its channels.
std::vector<Shape> rmvpe_shapes(int64_t samples);

/// What a step reads, as the model keeps it. A weight is [out, kernel, in / groups]: fairseq's, the taps
/// outermost.
struct Inputs {
  explicit Inputs(const Shape& shape);
  std::vector<float> x;       ///< [in_rows, in]; q, k and v side by side, [rows, 3 in], for attention
  std::vector<float> weight;  ///< a norm's scale
  std::vector<float> bias;    ///< a norm's shift
};

/// One value of what a step gives, in double, to check the contestants with.
double expected(const Shape& shape, const Inputs& inputs, int64_t row, int64_t column);

/// A step made ready by one of the contestants: weights packed, memory taken.
class Step {
 public:
  virtual ~Step() = default;
  virtual void run() = 0;
  /// What the last run() gave, at [row, column].
  [[nodiscard]] virtual float at(int64_t row, int64_t column) const = 0;
};

/// The library's kernels, `threads` of them.
std::unique_ptr<Step> make_contentvec(const Shape& shape, const Inputs& inputs, DType dtype, int threads);

/// oneDNN's, in the layouts it likes best; null where it has no fast implementation for this type on this
/// processor, and where the build has no oneDNN.
std::unique_ptr<Step> make_onednn(const Shape& shape, const Inputs& inputs, DType dtype, int threads);

}  // namespace contentvec::bench
