#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"

namespace contentvec::checkpoint {

/// Opens one file; throws Error naming it.
using OpenFile = std::function<Checkpoint(const std::filesystem::path&)>;

/// Reads a directory in Hugging Face's form (see open()) with `open_file`. Throws Error naming the directory
/// or the file at fault.
[[nodiscard]] Checkpoint open_hf_directory(const std::filesystem::path& directory, const OpenFile& open_file);

/// The object in `path`, or null when there is none: no such file, or one that is about something else.
[[nodiscard]] nlohmann::json json_object_if_any(const std::filesystem::path& path);

}  // namespace contentvec::checkpoint
