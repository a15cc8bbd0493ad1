#include "cli/files.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "contentvec/error.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;

template <typename T>
T number_at(const std::vector<std::byte>& bytes, size_t at) {
  T value;
  if (at + sizeof(T) > bytes.size()) throw Error("the file ends too early");
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

std::vector<float> floats_at(const std::vector<std::byte>& bytes, size_t begin, size_t end) {
  if (begin > end || end > bytes.size()) throw Error("the file ends too early");
  std::vector<float> values((end - begin) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + begin, values.size() * sizeof(float));
  return values;
}

std::string string_at(const std::vector<std::byte>& bytes, size_t begin, size_t size) {
  if (begin + size > bytes.size()) throw Error("the file ends too early");
  return {reinterpret_cast<const char*>(bytes.data()) + begin, size};
}

template <typename T>
void append(std::vector<std::byte>& bytes, T value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof(T));
}

void append_text(std::vector<std::byte>& bytes, const std::string& text) {
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
}

void append_floats(std::vector<std::byte>& bytes, std::span<const float> values) {
  const std::span<const std::byte> raw = std::as_bytes(values);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

}  // namespace

SafetensorsFile read_safetensors(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  const auto header_size = static_cast<size_t>(number_at<uint64_t>(bytes, 0));
  const size_t data = 8 + header_size;
  SafetensorsFile file;
  const auto header = nlohmann::json::parse(string_at(bytes, 8, header_size));
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      file.metadata = entry.get<std::map<std::string, std::string>>();
      continue;
    }
    file.dtypes[name] = entry["dtype"];
    if (entry["dtype"] != "F32") continue;
    const auto range = entry["data_offsets"].get<std::pair<size_t, size_t>>();
    file.tensors[name] = {entry["shape"], floats_at(bytes, data + range.first, data + range.second)};
  }
  return file;
}

Array read_npy(const fs::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  if (string_at(bytes, 0, 8) != std::string("\x93NUMPY\x01\x00", 8)) throw Error("not a version 1.0 .npy");
  const size_t header_size = number_at<uint16_t>(bytes, 8);
  const std::string header = string_at(bytes, 10, header_size);
  const std::string start = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  const size_t end = header.find("), }");
  if (!header.starts_with(start) || end == std::string::npos || header.back() != '\n') {
    throw Error("another header than expected: " + header);
  }
  Array array{{}, floats_at(bytes, 10 + header_size, bytes.size())};
  std::istringstream shape(header.substr(start.size(), end - start.size()));
  for (std::string size; std::getline(shape, size, ',') && !size.empty();) {
    array.shape.push_back(std::stoll(size));
  }
  return array;
}

void write_wav(const fs::path& path, std::span<const float> samples) {
  const auto data_size = static_cast<uint32_t>(samples.size_bytes());
  std::vector<std::byte> bytes;
  append_text(bytes, "RIFF");
  append(bytes, uint32_t{36} + data_size);
  append_text(bytes, "WAVEfmt ");
  append(bytes, uint32_t{16});
  append(bytes, uint16_t{3});  // IEEE float
  append(bytes, uint16_t{1});  // one channel
  append(bytes, uint32_t{16000});
  append(bytes, uint32_t{16000 * sizeof(float)});
  append(bytes, uint16_t{sizeof(float)});
  append(bytes, uint16_t{32});
  append_text(bytes, "data");
  append(bytes, data_size);
  append_floats(bytes, samples);
  write_file(path, bytes);
}

void write_npy(const fs::path& path, const std::string& shape, std::span<const float> values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::vector<std::byte> bytes;
  append_text(bytes, std::string("\x93NUMPY\x01\x00", 8));
  append(bytes, static_cast<uint16_t>(header.size()));
  append_text(bytes, header);
  append_floats(bytes, values);
  write_file(path, bytes);
}

std::vector<float> noise(size_t samples) {
  std::vector<float> values(samples);
  uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / 16777216.0F - 0.5F;
  }
  return values;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path tiny_model() {
  return oracle() / "checkpoints" / "tiny.fairseq.pt";
}

}  // namespace contentvec::test
