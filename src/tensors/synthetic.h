#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// A counter-based generator, so that every machine makes the same bits and any of them alone:
///   key(name, seed) = FNV-1a-64(name) XOR (seed * 0x9E3779B97F4A7C15 mod 2^64)
///   bits(i)         = splitmix64's finaliser of key + (i + 1) * 0x9E3779B97F4A7C15 mod 2^64
class CounterBits {
 public:
  CounterBits(std::string_view name, uint64_t seed);
  [[nodiscard]] uint64_t operator()(uint64_t i) const {
    uint64_t z = key_ + (i + 1) * kGolden;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

 private:
  static constexpr uint64_t kGolden = 0x9E3779B97F4A7C15U;
  uint64_t key_;
};

/// A made-up tensor, with the bits of its name:
///   u(i)     = float32(bits(i) >> 40) * 2^-23 - 1, exact, in [-1, 1)
///   value[i] = offset + amplitude * u(i), one float32 multiplication and one addition
struct Synthetic {
  TensorSpec tensor;
  double amplitude = 1;
  double offset = 0;

  /// Its values in C order, into out[count].
  void fill(uint64_t seed, std::span<float> out) const;
  /// A tensor whose values are made when they are read; `source` stands for the file in errors.
  [[nodiscard]] checkpoint::Tensor as_tensor(const std::string& source, uint64_t seed) const;
};

/// Builds the table of a model's tensors. What it makes up keeps activations the size that a trained model's have.
class SyntheticTable {
 public:
  /// Where values lie: offset +- amplitude.
  struct Range {
    double amplitude;
    double offset = 0.0;
  };

  void add(const std::string& name, std::vector<int64_t> shape, Range range);
  /// Outputs first: inputs of variance 1 give outputs of variance gain^2.
  void weight(const std::string& name, std::vector<int64_t> shape, double gain = 1.0);
  void bias(const std::string& name, int64_t size, double amplitude = 0.1, double offset = 0.0);
  /// NAME.weight of such a shape and NAME.bias of its first size.
  void layer(const std::string& name, std::vector<int64_t> shape, double gain = 1.0);
  /// NAME.weight and NAME.bias of a LayerNorm or GroupNorm.
  void norm(const std::string& name, int64_t size);
  /// NAME.weight, bias, running_mean and running_var.
  void batch_norm(const std::string& name, int64_t size, double scale = 1.0, Range mean = {0.2, 0.0},
                  Range variance = {0.5, 1.0});
  /// NAME.weight_g, weight_v and bias of a Conv1d under weight norm: each output's kernel has the norm g, more or less
  /// by `spread` of it.
  void normed_conv(const std::string& name, int64_t out, int64_t in, int64_t kernel, double g = 1.0,
                   double spread = 0.2);

  [[nodiscard]] std::vector<Synthetic> release() { return std::move(table_); }

 private:
  std::vector<Synthetic> table_;
};

}  // namespace contentvec::tensors
