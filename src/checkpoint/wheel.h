#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"

namespace contentvec::checkpoint {

/// Opens a checkpoint that a Python package carries: `entry` in its wheel, which is a zip file and may keep it
/// compressed, or below the folder `entry` begins with where the package is installed. Nothing where `path` is
/// neither of them. Throws Error when it is damaged, or unpacks to more than open_input_file() lets it.
std::optional<Checkpoint> open_in_package(const std::filesystem::path& path, const std::string& entry);

}  // namespace contentvec::checkpoint
