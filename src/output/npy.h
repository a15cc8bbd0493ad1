#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace contentvec::output {

/// Writes float32 values as a NumPy .npy file, version 1.0, C order, little-endian; atomically (AtomicFile).
/// Throws Error when the file cannot be written; `values.size()` must be the product of `shape`.
void write_npy(const std::filesystem::path& path, std::span<const int64_t> shape,
               std::span<const float> values);

/// A float array read from a .npy file.
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<float> values;  ///< C order
};

/// Reads a .npy file (versions 1.0 to 3.0) of little-endian float16, float32 or float64, in C or Fortran
/// order (values come back in C order). Throws Error naming the file for anything else, and for a file whose
/// size is not what its header says.
NpyArray read_npy(const std::filesystem::path& path);

}  // namespace contentvec::output
