#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tensors/synthetic.h"

namespace contentvec::synthesizer {

/// A stream of standard normal numbers, the same on every machine but for the last bit of its logarithms and sines.
/// Any part of it can be computed alone, in any order, by any thread. With bits() of the stream's name and seed,
///   a(j) = ((bits(2j) >> 11) + 1) 2^-53, in (0, 1],   b(j) = (bits(2j + 1) >> 11) 2^-53, in [0, 1),
/// values 2j and 2j + 1 are sqrt(-2 ln a) times the cosine and the sine of 2 pi b, in double and then rounded. Box and
/// Muller, 1958.
class NormalStream {
 public:
  NormalStream(std::string_view name, uint64_t seed) : bits_(name, seed) {}
  /// Values first, first + 1 ...
  void fill(int64_t first, std::span<float> out) const;

 private:
  tensors::CounterBits bits_;
};

/// The noise of one synthesis: the caller's, or a stream's.
class Noise {
 public:
  /// `given`: all of it, or empty for the stream `kind` ("noise.z", "noise.source") of this seed and piece, counted
  /// from the beginning of the piece; a piece below 0 is a recording that is not cut.
  Noise(std::span<const float> given, std::string_view kind, uint64_t seed, int64_t piece);
  /// As NormalStream::fill.
  void fill(int64_t first, std::span<float> out) const;

 private:
  std::span<const float> given_;
  NormalStream stream_;
};

}  // namespace contentvec::synthesizer
