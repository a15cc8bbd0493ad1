#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace contentvec::test {

/// A float32 array as a file holds it.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;  ///< C order
};

/// A safetensors file, read by the tests' own few lines, not by the code they test.
struct SafetensorsFile {
  std::map<std::string, Array> tensors;  ///< the float32 ones
  std::map<std::string, std::string> dtypes;
  std::map<std::string, std::string> metadata;
};
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// A .npy file, which must be little-endian float32 in C order, version 1.0.
Array read_npy(const std::filesystem::path& path);

/// 16 kHz mono, 32-bit float.
void write_wav(const std::filesystem::path& path, std::span<const float> samples);

/// A .npy file of float32 values.
void write_npy(const std::filesystem::path& path, const std::string& shape, std::span<const float> values);

/// Reproducible noise in [-0.5, 0.5): audio for tests that do not look at the numbers.
std::vector<float> noise(size_t samples);

/// Names of everything in a folder, sorted.
std::vector<std::string> names_in(const std::filesystem::path& folder);

/// A checkpoint of the reference data that opens with nothing said about it.
std::filesystem::path tiny_model();

}  // namespace contentvec::test
