#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "f0/salience.h"

namespace contentvec::test {

/// Writes an estimator's pieces into one salience [frames, 360].
inline f0::TakeSalience into(std::vector<float>& salience) {
  return [&salience](int64_t first, std::span<const float> piece) {
    std::copy(piece.begin(), piece.end(), salience.begin() + first * f0::kSalienceBins);
  };
}

/// Something for an estimator to hear, of every pitch.
inline std::vector<float> sweep(size_t samples) {
  std::vector<float> waveform(samples);
  for (size_t i = 0; i < samples; ++i)
    waveform[i] = 0.3F * std::sin(static_cast<float>(i * i % 9973) * 0.01F);
  return waveform;
}

}  // namespace contentvec::test
