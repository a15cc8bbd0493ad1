#pragma once

#include <span>

namespace contentvec::tensors {

/// Values times a factor, in double and in place: what a model multiplies by a constant, folded into weights.
inline void scale(std::span<float> values, double factor) {
  for (float& value : values) value = static_cast<float>(static_cast<double>(value) * factor);
}

}  // namespace contentvec::tensors
