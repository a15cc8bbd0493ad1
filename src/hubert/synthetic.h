#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "contentvec/config.h"

namespace contentvec::hubert {

inline constexpr std::string_view kSyntheticPrefix = "synthetic:";

/// The model that a spec `synthetic:base[:SEED]` or `synthetic:CONFIG.json[:SEED]` stands for: fairseq's
/// names and shapes, and values from a counter-based generator, made when they are read. They are the same
/// bits on every machine:
///   key(name, seed) = FNV-1a-64(name) XOR (seed * 0x9E3779B97F4A7C15 mod 2^64)
///   bits(i)         = splitmix64's finaliser of key + (i + 1) * 0x9E3779B97F4A7C15 mod 2^64
///   u(i)            = float32(bits(i) >> 40) * 2^-23 - 1, exact, in [-1, 1)
///   weight[i]       = offset + amplitude * u(i), one float32 multiplication and one addition
/// with amplitude and offset by the tensor's role, so that activations keep the size a trained model's have.
/// Throws Error for a spec of another form or a configuration that cannot be read.
checkpoint::Checkpoint synthetic_checkpoint(const std::string& spec);

/// The values of one tensor of it, in C order.
void fill_synthetic(std::string_view name, std::span<const int64_t> shape, uint64_t seed,
                    std::span<float> out);

}  // namespace contentvec::hubert
