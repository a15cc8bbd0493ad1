#pragma once

#include <span>
#include <vector>

#include "conversion/pieces.h"

namespace contentvec::conversion {

/// A recording as it is converted: 16 kHz, its peak at most 0.95, without what is below 48 Hz, kPad mirrored samples
/// before and behind it.
class Recording {
 public:
  /// Throws Error for a waveform without samples or with one that is not finite, and for a rate out of range.
  Recording(std::span<const float> waveform, int rate);

  [[nodiscard]] std::span<const float> padded() const { return padded_; }
  [[nodiscard]] std::span<const float> samples() const {
    return std::span(padded_).subspan(kPad, padded_.size() - 2 * kPad);
  }

 private:
  std::vector<float> padded_;
};

}  // namespace contentvec::conversion
