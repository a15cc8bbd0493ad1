#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace contentvec::checkpoint {

/// Opens one file; throws Error naming it.
using OpenFile = std::function<Checkpoint(const std::filesystem::path&)>;

/// Reads a directory in Hugging Face's form (see open()) with `open_file`. Throws Error naming the directory
/// or the file at fault.
[[nodiscard]] Checkpoint open_hf_directory(const std::filesystem::path& directory, const OpenFile& open_file);

/// Whether `path` is named as the index of a model in several files (model.safetensors.index.json).
[[nodiscard]] bool is_shard_index(const std::filesystem::path& path);

/// Names of the files beside an index that it spreads a model's tensors over, each once. Throws Error for a
/// name that leads elsewhere, and for a damaged index.
[[nodiscard]] std::vector<std::string> shards_of(const std::filesystem::path& index);

/// All tensors that an index lists, each from the shard it names.
[[nodiscard]] Checkpoint open_shards(const std::filesystem::path& index, const OpenFile& open_file);

/// The object in `path`, or null when there is none: no such file, or one that is about something else.
[[nodiscard]] nlohmann::json json_object_if_any(const std::filesystem::path& path);

}  // namespace contentvec::checkpoint
