#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// Samples before and after a signal, mirrored about its first and its last one, which are not repeated (NumPy's and
/// torch's "reflect"). Both must be less than the signal's length.
inline std::vector<float> pad_reflect(std::span<const float> signal, int64_t before, int64_t after) {
  const auto size = static_cast<int64_t>(signal.size());
  std::vector<float> padded(static_cast<size_t>(before + size + after));
  for (int64_t i = 0; i < before; ++i) padded[static_cast<size_t>(i)] = signal[static_cast<size_t>(before - i)];
  std::copy(signal.begin(), signal.end(), padded.begin() + before);
  for (int64_t i = 0; i < after; ++i)
    padded[static_cast<size_t>(before + size + i)] = signal[static_cast<size_t>(size - 2 - i)];
  return padded;
}

/// The same with zeros.
inline std::vector<float> pad_zeros(std::span<const float> signal, int64_t before, int64_t after) {
  std::vector<float> padded(static_cast<size_t>(before) + signal.size() + static_cast<size_t>(after));
  std::copy(signal.begin(), signal.end(), padded.begin() + before);
  return padded;
}

}  // namespace contentvec::dsp
