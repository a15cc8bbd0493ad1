#pragma once

#include <cstdint>
#include <vector>

#include "nn/kernels/kernels.h"

namespace contentvec::nn {

/// Scale and shift [width] of a normalisation; empty where a model has none.
struct Norm {
  std::vector<float> scale;
  std::vector<float> shift;
};

/// to = activation(LayerNorm(from)) for `rows` rows; `to` may be `from`. Ba et al., "Layer Normalization",
/// 2016.
inline void layer_norm(const Kernels& kernels, const Norm& norm, float eps, const float* from,
                       int64_t from_stride, int64_t rows, float* to, int64_t to_stride,
                       Activation activation = {}) {
  kernels.layer_norm(from, from_stride, rows, static_cast<int64_t>(norm.scale.size()), norm.scale.data(),
                     norm.shift.data(), eps, activation, to, to_stride);
}

}  // namespace contentvec::nn
