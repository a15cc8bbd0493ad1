#include "tensors/batch_norm.h"

#include <cmath>

#include "runtime/fail.h"

namespace contentvec::tensors {

BatchNorm read_batch_norm(const NamedTensors& tensors, const std::string& layer) {
  constexpr double kEps = 1e-5;
  const std::vector<float> variance = tensors.read(layer + ".running_var");
  const std::vector<float> weight = tensors.read(layer + ".weight");
  BatchNorm norm = {
      tensors.read(layer + ".running_mean"), {weight.begin(), weight.end()}, tensors.read(layer + ".bias")};
  for (size_t i = 0; i < variance.size(); ++i) {
    if (variance[i] < 0) {
      fail(
          "weight {}.running_var holds {} at element {}; a variance is never below 0: the checkpoint is damaged",
          layer, variance[i], i);
    }
    norm.scale[i] /= std::sqrt(static_cast<double>(variance[i]) + kEps);
  }
  return norm;
}

}  // namespace contentvec::tensors
