#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "runtime/input_file.h"

namespace contentvec::checkpoint {

[[nodiscard]] bool is_zip(std::span<const std::byte> bytes);

/// Reads what torch.save has written since 1.6: a zip of ROOT/data.pkl and, uncompressed, ROOT/data/KEY for
/// each storage. Storages are read, and their CRC checked, when first asked for, and kept while a handle to
/// them lives. Throws Error (not naming the file) when it is anything else.
[[nodiscard]] Checkpoint read_torch_zip(const std::shared_ptr<const InputFile>& file);

}  // namespace contentvec::checkpoint
