#include "cli/existing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>

#include "cli/fail.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

void check_npy(const FeatureFileInfo& info, const Expected& expected) {
  if (info.dtype != "<f4" || info.fortran_order) {
    fail("its type is '{}'{}, expected '<f4'", info.dtype, info.fortran_order ? " in Fortran order" : "");
  }
  if (expected.arrays > 0 && info.layers != expected.arrays) {
    fail("its shape is [{}], expected [{}, frames, {}]", fmt::join(info.shape, ", "), expected.arrays,
         expected.dim);
  }
}

void check_safetensors(const FeatureFileInfo& info, const Expected& expected) {
  if (expected.arrays == 0 && info.layers > 0) fail("it has no tensor features");
  if (info.layers < expected.arrays) fail("it has no tensor layer_{}", info.layers + 1);
  if (info.dtype != "float32")
    fail("{} is {}, expected float32", info.layers > 0 ? "layer_1" : "features", info.dtype);
}

/// Throws Error unless each array is [frames, dim].
void check_frames(const FeatureFileInfo& info, const Expected& expected) {
  std::span<const int64_t> shape = info.shape;
  if (expected.arrays > 0) shape = shape.subspan(1);
  const bool good =
      shape.size() == 2 && shape[0] > 0 && shape[0] % expected.repeat == 0 && shape[1] == expected.dim;
  if (!good) {
    fail("its shape is [{}], expected [frames, {}]{}", fmt::join(shape, ", "), expected.dim,
         expected.repeat > 1 ? fmt::format(" with each frame {} times", expected.repeat) : "");
  }
}

}  // namespace

void check_existing(const fs::path& path, const Expected& expected) {
  const FeatureFileInfo info = inspect_features(path, expected.format);
  expected.format == FeatureFormat::kNpy ? check_npy(info, expected) : check_safetensors(info, expected);
  check_frames(info, expected);
}

}  // namespace contentvec::cli
