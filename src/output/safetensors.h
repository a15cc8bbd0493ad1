#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace contentvec::output {

/// One tensor to write. `bytes` is called once, when its turn comes, so that no more than one tensor need be
/// in memory; it returns the little-endian values in C order.
struct NamedTensor {
  std::string name;
  std::string dtype;  ///< safetensors' name: "F32", "F16"
  std::vector<int64_t> shape;
  std::function<std::vector<std::byte>()> bytes;
};

/// Writes a safetensors file atomically: the header padded so that the data starts at a multiple of 64 bytes,
/// tensors in the order given. Throws Error when it cannot be written, when two tensors share a name, or when
/// `bytes` returns another size than dtype and shape say.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// What such a file begins with; the values of the tensors follow, one tensor after the other. `bytes` are
/// not asked for. Throws Error as write_safetensors does, without the file's name.
std::string start_of_safetensors(std::span<const NamedTensor> tensors,
                                 const std::map<std::string, std::string>& metadata = {});

/// The bytes of float32 values, for NamedTensor.
std::vector<std::byte> bytes_of(std::span<const float> values);

/// The same in IEEE half precision, rounded to nearest even. Throws Error, naming the tensor, for a value that it
/// cannot hold.
std::vector<std::byte> half_bytes_of(std::span<const float> values, const std::string& name);

}  // namespace contentvec::output
