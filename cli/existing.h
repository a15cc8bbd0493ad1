#pragma once

#include <cstdint>
#include <filesystem>

#include "contentvec/feature_file.h"

namespace contentvec::cli {

/// What a run writes for each input.
struct Expected {
  FeatureFormat format = FeatureFormat::kNpy;
  int64_t arrays = 0;  ///< with all layers in one file, their number; else 0
  int64_t dim = 0;
  int64_t repeat = 1;  ///< divides the number of frames
};

/// Throws Error where the features at `path` are not what a run writes, so that they are to be written anew: an
/// empty, cut or damaged file, another type or size. Only what the file says of itself is read, and how long
/// it is: not its values, and whether they are of this model cannot be told.
void check_existing(const std::filesystem::path& path, const Expected& expected);

}  // namespace contentvec::cli
