#include "tensors/weight_norm.h"

#include <cmath>
#include <string_view>

namespace contentvec::tensors {
namespace {

void replace(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

/// Elements between one slice along `axis` and the next.
size_t step_of(std::span<const int64_t> shape, size_t axis) {
  size_t step = 1;
  for (size_t d = axis + 1; d < shape.size(); ++d) step *= static_cast<size_t>(shape[d]);
  return step;
}

}  // namespace

void unify_weight_norm(std::string& name) {
  replace(name, ".parametrizations.weight.original0", ".weight_g");
  replace(name, ".parametrizations.weight.original1", ".weight_v");
}

std::vector<double> norms_along(std::span<const float> weight, std::span<const int64_t> shape, size_t axis) {
  const size_t step = step_of(shape, axis);
  std::vector<double> norms(static_cast<size_t>(shape[axis]));
  for (size_t i = 0; i < weight.size(); ++i) {
    const auto value = static_cast<double>(weight[i]);
    norms[i / step % norms.size()] += value * value;
  }
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

std::vector<float> read_weight(const NamedTensors& tensors, const std::string& layer, size_t axis) {
  if (tensors.has(layer + ".weight")) return tensors.read(layer + ".weight");
  const std::vector<float> g = tensors.read(layer + ".weight_g");
  std::vector<float> weight = tensors.read(layer + ".weight_v");
  const std::vector<int64_t> shape = tensors.shape(layer + ".weight_v");
  std::vector<double> factor = norms_along(weight, shape, axis);
  for (size_t i = 0; i < factor.size(); ++i) {
    // A slice of zeros alone is 0 / 0 in torch; any factor leaves it zero, which is what was meant.
    factor[i] = factor[i] > 0 ? static_cast<double>(g[i]) / factor[i] : 0.0;
  }
  const size_t step = step_of(shape, axis);
  for (size_t i = 0; i < weight.size(); ++i) {
    weight[i] = static_cast<float>(static_cast<double>(weight[i]) * factor[i / step % factor.size()]);
  }
  return weight;
}

}  // namespace contentvec::tensors
