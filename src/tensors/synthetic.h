#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/tensor.h"
#include "tensors/named_tensors.h"

namespace contentvec::tensors {

inline constexpr std::string_view kSyntheticPrefix = "synthetic:";

/// What a spec `synthetic:CONFIG[:SEED]` says.
struct SyntheticSpec {
  std::string config;  ///< the path of a .json, or a name
  uint64_t seed = 0;
};
/// Throws Error for a seed that is none.
SyntheticSpec parse_synthetic(const std::string& spec);

/// A made-up tensor: values from a counter-based generator, so that every machine makes the same bits:
///   key(name, seed) = FNV-1a-64(name) XOR (seed * 0x9E3779B97F4A7C15 mod 2^64)
///   bits(i)         = splitmix64's finaliser of key + (i + 1) * 0x9E3779B97F4A7C15 mod 2^64
///   u(i)            = float32(bits(i) >> 40) * 2^-23 - 1, exact, in [-1, 1)
///   value[i]        = offset + amplitude * u(i), one float32 multiplication and one addition
struct Synthetic {
  TensorSpec tensor;
  double amplitude = 1;
  double offset = 0;

  /// Its values in C order, into out[count].
  void fill(uint64_t seed, std::span<float> out) const;
  /// A tensor whose values are made when they are read; `source` stands for the file in errors.
  [[nodiscard]] checkpoint::Tensor as_tensor(const std::string& source, uint64_t seed) const;
};

}  // namespace contentvec::tensors
