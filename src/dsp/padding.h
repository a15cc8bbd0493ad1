#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// The place in a signal of `size` values that is seen at `place`, before or behind it, in the mirrors at its first and
/// its last value, which are not repeated; there and back as often as it takes (NumPy's, torch's "reflect").
inline int64_t mirrored(int64_t place, int64_t size) {
  if (size == 1) return 0;
  const int64_t there_and_back = 2 * (size - 1);
  const int64_t ahead = (place % there_and_back + there_and_back) % there_and_back;
  return std::min(ahead, there_and_back - ahead);
}

/// A signal that goes on beyond its ends, without a copy of it.
class PaddedSignal {
 public:
  enum class Padding {
    kZeros,
    kReflect,  ///< mirrored() there
  };

  /// `before`: samples that stand before the signal; what comes after it has no end.
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
    return signal_[static_cast<size_t>(mirrored(place, size))];
  }

  std::span<const float> signal_;
  int64_t before_;
  Padding padding_;
};

}  // namespace contentvec::dsp
