#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace contentvec::retrieval {

/// The feature vectors of a folder, one file after the other.
struct FeatureVectors {
  int64_t files = 0;
  int64_t dim = 0;
  std::vector<float> values;  ///< [vectors, dim]
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(values.size()) / dim; }
};

/// Reads all .npy files of a folder, by name, each [frames, dim] of the same dim. Names that start with a
/// dot, other extensions and folders are passed over. Throws Error where there is no such folder or file in
/// it, and naming the file that is of another shape.
FeatureVectors read_feature_folder(const std::filesystem::path& folder);

}  // namespace contentvec::retrieval
