#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "runtime/input_file.h"

namespace contentvec::checkpoint {

/// Whether the bytes can be nothing but safetensors: a header length, then the '{' the format demands there.
[[nodiscard]] bool is_safetensors(std::span<const std::byte> bytes);

/// Reads the header; the tensors are views into the mapping. Throws Error (not naming the file) for whatever
/// the format forbids: a header beyond the file or 100 MB, unknown structure, offsets that leave the data,
/// overlap, leave holes or do not fit type and shape, names that occur twice.
[[nodiscard]] Checkpoint read_safetensors(const std::shared_ptr<const InputFile>& file);

}  // namespace contentvec::checkpoint
