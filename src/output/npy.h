#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "output/npy_header.h"

namespace contentvec::output {

/// What a NumPy .npy file, version 1.0, of values in C order begins with; the values follow, little-endian. `descr`:
/// their type as NumPy has it. Its length is a multiple of 64. Throws Error for more dimensions than fit the header.
std::string start_of_npy(std::span<const int64_t> shape, std::string_view descr = "<f4");

/// A float array read from a .npy file.
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<float> values;  ///< C order
};

/// Reads a .npy file (versions 1.0 to 3.0) of little-endian float16, float32 or float64, in C or Fortran
/// order (values come back in C order). Throws Error naming the file for anything else, and for a file whose
/// size is not what its header says.
NpyArray read_npy(const std::filesystem::path& path);

/// The same of a file in memory; `name` stands for it in errors.
NpyArray read_npy(std::span<const std::byte> file, const std::string& name);

/// What read_npy would read, without its values: the header, once the file turns out to be as long as it
/// says. Throws Error as read_npy does, but for other types of numbers, whose length it takes from `descr`.
NpyHeader read_npy_header(const std::filesystem::path& path);

}  // namespace contentvec::output
