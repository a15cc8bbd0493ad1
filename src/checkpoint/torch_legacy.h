#pragma once

#include <memory>

#include "checkpoint/checkpoint.h"
#include "runtime/input_file.h"

namespace contentvec::checkpoint {

/// Whether the bytes begin with the pickled number that torch.save put first before 1.6.
[[nodiscard]] bool is_torch_legacy(std::span<const std::byte> bytes);

/// Reads what torch.save wrote before 1.6: five pickles (the number above, the protocol version 1001, facts
/// about the machine, the object, the keys of the storages), then for each key its element count and its
/// bytes. Storages are views into the mapping. Throws Error (not naming the file) when it is anything else.
[[nodiscard]] Checkpoint read_torch_legacy(const std::shared_ptr<const InputFile>& file);

}  // namespace contentvec::checkpoint
