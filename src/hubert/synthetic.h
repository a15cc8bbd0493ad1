#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "contentvec/config.h"

namespace contentvec::hubert {

/// The model that a spec `synthetic:base[:SEED]` or `synthetic:CONFIG.json[:SEED]` stands for: fairseq's
/// names and shapes, values as tensors::Synthetic makes them when they are read, with amplitude and offset by
/// the tensor's role, so that activations keep the size a trained model's have.
/// Throws Error for a spec of another form or a configuration that cannot be read.
checkpoint::Checkpoint synthetic_checkpoint(const std::string& spec);

/// The values of one tensor of it, in C order.
void fill_synthetic(std::string_view name, std::span<const int64_t> shape, uint64_t seed,
                    std::span<float> out);

}  // namespace contentvec::hubert
