#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// The root mean square of a signal in frames of `hops * hop` samples, one every `hop`, each around its place; there
/// are zeros before and after the signal. out: signal.size() / hop + 1 of them; `hops` is even. librosa.feature.rms.
void rms_envelope(std::span<const float> signal, int64_t hop, int64_t hops, std::span<double> out);
/// The same with frames of two hops.
std::vector<double> rms_envelope(std::span<const float> signal, int64_t hop);

/// Values that stand for stretches of one length as values of other stretches, linearly: value i of `count` is that in
/// the middle of its stretch, and those before the first middle and after the last are the first and the last
/// (PyTorch's interpolate with mode="linear").
class HalfPixel {
 public:
  /// `values`, at least one, stay the caller's.
  HalfPixel(std::span<const double> values, int64_t count)
      : values_(values), scale_(static_cast<double>(values.size()) / static_cast<double>(count)) {}
  [[nodiscard]] double at(int64_t i) const;

 private:
  std::span<const double> values_;
  double scale_;
};

/// The same with the first value at the first of `count` places, and the last one behind the last (align_corners=True
/// for count + 1 places).
class AlignedCorners {
 public:
  AlignedCorners(std::span<const double> values, int64_t count)
      : values_(values), scale_(static_cast<double>(values.size() - 1) / static_cast<double>(count)) {}
  [[nodiscard]] double at(int64_t i) const;

 private:
  std::span<const double> values_;
  double scale_;
};

}  // namespace contentvec::dsp
