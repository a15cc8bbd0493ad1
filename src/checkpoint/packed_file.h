#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/input_file.h"

namespace contentvec::checkpoint {

/// Whether `path` names an entry of a zip file, PACK.zip/ENTRY, and nothing else has that name. The entry need not be
/// there.
[[nodiscard]] bool is_packed(const std::string& path);
/// Whether it names one that is there. Throws Error where the zip file cannot be read.
[[nodiscard]] bool has_packed(const std::string& path);
/// Throws Error where an entry that is_packed() is not there, with what is.
void check_packed(const std::string& path);

/// Opens a file, or such an entry, which is unpacked into memory: at most 1 GiB, and at most 16 times the zip file's
/// size. Throws Error when it cannot be had, or is damaged.
[[nodiscard]] std::shared_ptr<const InputFile> open_input_file(const std::string& path);

/// Names of the files in a zip file that somebody packed; nothing for every other file, and for a checkpoint of
/// torch's, which is a zip file too. Throws Error when it cannot be read.
[[nodiscard]] std::optional<std::vector<std::string>> packed_files(const std::filesystem::path& path);

}  // namespace contentvec::checkpoint
