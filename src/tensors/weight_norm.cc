#include "tensors/weight_norm.h"

#include <cmath>
#include <string_view>

namespace contentvec::tensors {
namespace {

void replace(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

/// run(slice, begin, end) for the stretches of elements that lie in one slice along `axis`.
template <typename Run>
void for_slices(std::span<const int64_t> shape, size_t axis, size_t elements, const Run& run) {
  size_t step = 1;
  for (size_t d = axis + 1; d < shape.size(); ++d) step *= static_cast<size_t>(shape[d]);
  const auto slices = static_cast<size_t>(shape[axis]);
  for (size_t begin = 0, slice = 0; begin < elements; begin += step, slice = (slice + 1) % slices)
    run(slice, begin, begin + step);
}

}  // namespace

void unify_weight_norm(std::string& name) {
  replace(name, ".parametrizations.weight.original0", ".weight_g");
  replace(name, ".parametrizations.weight.original1", ".weight_v");
}

std::vector<double> norms_along(std::span<const float> weight, std::span<const int64_t> shape, size_t axis) {
  std::vector<double> norms(static_cast<size_t>(shape[axis]));
  for_slices(shape, axis, weight.size(), [&](size_t slice, size_t begin, size_t end) {
    double sum = norms[slice];
    for (size_t i = begin; i < end; ++i)
      sum += static_cast<double>(weight[i]) * static_cast<double>(weight[i]);
    norms[slice] = sum;
  });
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
  for_slices(shape, axis, weight.size(), [&](size_t slice, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      weight[i] = static_cast<float>(static_cast<double>(weight[i]) * factor[slice]);
  });
  return weight;
}

}  // namespace contentvec::tensors
