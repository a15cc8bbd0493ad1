#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// A signal that goes on beyond its ends, without a copy of it.
class PaddedSignal {
 public:
  enum class Padding {
    kZeros,
    kReflect,  ///< mirrored about the first and the last sample, which are not repeated (NumPy's, torch's "reflect")
  };

  /// `before`: samples that stand before the signal; what comes after it has no end. Mirrored, no more of either may be
  /// read than the signal has samples, less one.
  PaddedSignal(std::span<const float> signal, int64_t before, Padding padding)
      : signal_(signal), before_(before), padding_(padding) {}

  /// `count` samples from `begin` on, counted with the padding: the signal's own, or put together in `scratch`.
  [[nodiscard]] const float* read(int64_t begin, int64_t count, std::vector<float>& scratch) const {
    const int64_t first = begin - before_;
    const auto size = static_cast<int64_t>(signal_.size());
    if (first >= 0 && first + count <= size) return signal_.data() + first;
    scratch.resize(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) scratch[static_cast<size_t>(i)] = at(first + i);
    return scratch.data();
  }

 private:
  [[nodiscard]] float at(int64_t place) const {
    const auto size = static_cast<int64_t>(signal_.size());
    if (place >= 0 && place < size) return signal_[static_cast<size_t>(place)];
    if (padding_ == Padding::kZeros) return 0;
    return signal_[static_cast<size_t>(place < 0 ? -place : 2 * (size - 1) - place)];
  }

  std::span<const float> signal_;
  int64_t before_;
  Padding padding_;
};

}  // namespace contentvec::dsp
