#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace contentvec::cli {

/// What a file is that is no checkpoint: for programs, and line by line for people.
struct FileInfo {
  nlohmann::ordered_json json;
  std::vector<std::pair<std::string, std::string>> rows;
};

/// Features (a .npy file, or a safetensors file that `extract` wrote) and indexes for retrieval, known by
/// their content, and units (.npz, and scikit-learn's); nothing for every other file or name. Values are not read,
/// but those of units. Throws Error for such a file that is damaged or of a kind that is not read.
std::optional<FileInfo> describe_file(const std::string& path);

}  // namespace contentvec::cli
