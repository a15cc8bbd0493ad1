#pragma once

#include <string>
#include <vector>

#include "tensors/named_tensors.h"

namespace contentvec::tensors {

/// A BatchNorm with the statistics of training, which is scale (x - mean) + shift per channel. Ioffe and
/// Szegedy, 2015.
struct BatchNorm {
  std::vector<float> mean;
  std::vector<double> scale;  ///< its weight over sqrt(variance + 1e-5), torch's eps, which no file changes
  std::vector<float> shift;
};

/// Reads `layer`.running_mean, .running_var, .weight and .bias. Throws Error as NamedTensors::read does, and
/// for a variance below 0.
BatchNorm read_batch_norm(const NamedTensors& tensors, const std::string& layer);

}  // namespace contentvec::tensors
