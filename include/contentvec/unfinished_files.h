#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "contentvec/export.h"

namespace contentvec {

// Files that this library writes (features, pitch, indexes, checkpoints) appear whole or not at all: until they are
// whole, they are ".contentvec-....tmp" in the folder they will be in. An exception removes them; what a
// signal or a power cut leaves of them is removed by these.

/// Writes a file so. A device or a pipe, such as /dev/stdout, is written straight through. Throws Error when the folder
/// does not exist or may not be written to, and when the disk is full or fails; what was there is then untouched.
CONTENTVEC_API void write_whole_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Removes the files that this process (not its parent, after a fork) is writing now, up to 64 of them.
/// Async-signal-safe: for a handler of SIGINT or SIGTERM that ends the process right after. What was being
/// written then cannot be finished any more, and no new file is begun. Waits for other threads that are
/// beginning one, a second at most.
CONTENTVEC_API void remove_unfinished_files() noexcept;

/// Removes what processes that were killed outright, or lost power, have left in `folder`. Those still being
/// written, by any process, stay; where the file system knows no locks, all do. Safe to call from any number
/// of threads and processes at once.
CONTENTVEC_API void remove_abandoned_files(const std::filesystem::path& folder) noexcept;

}  // namespace contentvec
