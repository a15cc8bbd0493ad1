#include "retrieval/feature_folder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "output/npy.h"
#include "runtime/fail.h"

namespace contentvec::retrieval {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> feature_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  size_t others = 0;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const bool is_feature =
        at->path().extension() == ".npy" && !at->path().filename().string().starts_with('.');
    if (is_feature) files.push_back(at->path());
    others += is_feature ? 0 : 1;
  }
  if (error) fail("cannot read the features in '{}': {}", folder.string(), error.message());
  if (files.empty()) {
    fail(
        "cannot read the features in '{}': there is no .npy file in it ({} others); give the folder "
        "`contentvec extract` wrote to, or RVC's 3_feature256 or 3_feature768",
        folder.string(), others);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

FeatureVectors read_feature_folder(const fs::path& folder) {
  const std::vector<fs::path> files = feature_files(folder);
  FeatureVectors features;
  for (const fs::path& file : files) {
    const output::NpyArray array = output::read_npy(file);
    if (array.shape.size() != 2 || array.shape[1] < 1) {
      fail("cannot use the features in '{}': expected the shape [frames, dim], found [{}]", file.string(),
           fmt::join(array.shape, ", "));
    }
    if (features.dim == 0) features.dim = array.shape[1];
    if (array.shape[1] != features.dim) {
      fail(
          "cannot use the features in '{}': they have {} dimensions, those before have {}; an index is made "
          "of one layer of one model",
          file.string(), array.shape[1], features.dim);
    }
    features.values.insert(features.values.end(), array.values.begin(), array.values.end());
    ++features.files;
  }
  return features;
}

}  // namespace contentvec::retrieval
