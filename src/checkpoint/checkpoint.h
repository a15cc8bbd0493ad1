#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/tensor.h"
#include "runtime/input_file.h"

namespace contentvec::checkpoint {

/// What a checkpoint file holds, whatever its container: named tensors, and what it says about its
/// architecture. Nothing here knows which model the tensors make up; model/layout.h does.
struct Checkpoint {
  std::string source;     ///< the path, for errors
  int64_t bytes = 0;      ///< of the file when it was opened; 0 where there are several
  std::string container;  ///< "safetensors", "torch zip", "torch legacy"
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  ///< safetensors' __metadata__
  /// What else a torch file says, as inert JSON: the entries of its dictionary but the tensors', and those
  /// beside the tensors where they lie deeper in. Dictionaries and records become objects, lists and tuples
  /// arrays, enums their value, anything else null. Null where there is no dictionary.
  nlohmann::json entries;
  nlohmann::json entries_beside;
  std::map<std::string, std::string> unread_entries;  ///< of both, what is too large for that, and why
  nlohmann::json hf_config;        ///< config.json of a Hugging Face folder, or beside the file; or null
  nlohmann::json hf_preprocessor;  ///< preprocessor_config.json likewise
  nlohmann::json hf_processor;     ///< processor_config.json, which holds the same since transformers 5
};

/// Opens a checkpoint file or a Hugging Face directory, recognising the container by its content (never by
/// its name). Executes nothing from it, and takes no memory on its word: every size, offset and shape is
/// checked against the file first. Throws Error naming the file and what is wrong with it. In a directory
/// hf_files.h says which file it is.
Checkpoint open(const std::filesystem::path& path);

/// The same of one file, wherever it is.
Checkpoint open(const std::shared_ptr<const InputFile>& file);

}  // namespace contentvec::checkpoint
