#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensors/named_tensors.h"

namespace contentvec::tensors {

/// Weight norm keeps a weight as its direction v and its length g along one axis: w = g v / ||v||, the norm
/// over all other axes (Salimans and Kingma, 2016). Files have it in three spellings, here of a layer "conv":
/// "conv.weight_g" and "conv.weight_v"; since torch 2.0 "conv.parametrizations.weight.original0" and
/// "original1"; or multiplied out, "conv.weight".

/// A name in the second spelling becomes the first; any other is left alone.
void unify_weight_norm(std::string& name);

/// The norm of each slice along `axis` over all other axes, in double: weight norm's denominator, and the g
/// that goes with a weight itself as v.
std::vector<double> norms_along(std::span<const float> weight, std::span<const int64_t> shape, size_t axis);

/// The weight of a layer, whichever of the first and the third spelling `tensors` has it in, with its weight
/// norm multiplied out in double. Throws Error as NamedTensors::read does.
std::vector<float> read_weight(const NamedTensors& tensors, const std::string& layer, size_t axis);

}  // namespace contentvec::tensors
