#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "runtime/fail.h"

namespace contentvec {

/// The place of the first value that is NaN or infinite; nothing when all are finite.
inline std::optional<size_t> first_non_finite(std::span<const float> values) {
  // Such a value has all bits of the exponent set. The place is sought only where there is one.
  constexpr uint32_t kExponent = 0x7F800000U;
  uint32_t found = 0;
  for (const float value : values)
    found |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1U : 0U;
  if (found == 0) return std::nullopt;
  size_t place = 0;
  while (std::isfinite(values[place])) ++place;
  return place;
}

/// Throws Error for a waveform with a sample that is NaN or infinite, saying which.
inline void check_finite_samples(std::span<const float> waveform) {
  if (const auto place = first_non_finite(waveform))
    fail("sample {} of the waveform is {}; every sample must be a finite number", *place, waveform[*place]);
}

inline bool all_finite(std::span<const float> values) {
  return !first_non_finite(values);
}

}  // namespace contentvec
