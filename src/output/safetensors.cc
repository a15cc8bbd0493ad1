#include "output/safetensors.h"

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "output/atomic_file.h"
#include "runtime/fail.h"

namespace contentvec::output {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they are in memory");

using Json = nlohmann::ordered_json;

constexpr size_t kDataAlignment = 64;
constexpr std::string_view kMetadata = "__metadata__";  // the format's own key

/// Bytes per element; 0 for a type that the format does not have.
size_t element_size(std::string_view dtype) {
  static const std::map<std::string_view, size_t> sizes = {{"F64", 8},  {"F32", 4}, {"F16", 2},
                                                           {"BF16", 2}, {"I64", 8}, {"I32", 4},
                                                           {"I16", 2},  {"I8", 1},  {"U8", 1}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? 0 : found->second;
}

size_t byte_size(const NamedTensor& tensor) {
  size_t bytes = element_size(tensor.dtype);
  if (bytes == 0) fail("tensor '{}' is of unknown type '{}'; expected F32 or F16", tensor.name, tensor.dtype);
  for (const int64_t size : tensor.shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes)) {
      fail("tensor '{}' has a size that is negative, or more than 64 bits of them", tensor.name);
    }
  }
  return bytes;
}

Json header_of(std::span<const NamedTensor> tensors, const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
  std::set<std::string_view> names = {kMetadata};
  size_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      fail("the tensor name '{}' is taken; give each tensor its own", tensor.name);
    }
    const size_t end = offset + byte_size(tensor);
    Json entry = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    // Not by operator[], which searches the names written so far: thousands of utterances would take minutes.
    header.get_ref<Json::object_t&>().push_back({tensor.name, std::move(entry)});
    offset = end;
  }
  return header;
}

/// The header's length in 8 bytes, then the header, padded with spaces.
std::string start_of_file(const Json& header) {
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail("a tensor's name or the metadata is not valid UTF-8; rename it");
  }
  const size_t unpadded = sizeof(uint64_t) + text.size();
  text.append((kDataAlignment - unpadded % kDataAlignment) % kDataAlignment, ' ');
  const uint64_t length = text.size();
  std::string start(sizeof length, '\0');
  std::memcpy(start.data(), &length, sizeof length);
  return start + text;
}

void check_values(const NamedTensor& tensor, std::span<const std::byte> values) {
  const size_t expected = byte_size(tensor);
  if (values.size() == expected) return;
  fail("tensor '{}' came with {} bytes; its type and shape need {}", tensor.name, values.size(), expected);
}

/// Runs `action`; its errors then name the file.
template <typename Action>
auto in_context(const std::filesystem::path& path, const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    fail("cannot write '{}': {}", path.string(), error.what());
  }
}

/// IEEE half precision, rounded to nearest even; infinite where the value is too large.
uint16_t to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000U);
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude >= 0x477FF000U) return sign | 0x7C00U;  // 65520 and above round to infinity
  uint32_t half = 0;
  if (magnitude < 0x38800000U) {
    // Subnormal: adding 0.5 puts the unit of the half's last place at the float's, so the hardware rounds.
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) - std::bit_cast<uint32_t>(0.5F);
  } else {
    half = (magnitude - 0x38000000U + 0xFFFU + (magnitude >> 13 & 1U)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

}  // namespace

std::string start_of_safetensors(std::span<const NamedTensor> tensors,
                                 const std::map<std::string, std::string>& metadata) {
  return start_of_file(header_of(tensors, metadata));
}

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string start = in_context(path, [&] { return start_of_safetensors(tensors, metadata); });
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(start)));
  for (const NamedTensor& tensor : tensors) {
    const std::vector<std::byte> values = tensor.bytes();  // its own errors pass through
    in_context(path, [&] { check_values(tensor, values); });
    file.write(values);
  }
  file.commit();
}

std::vector<std::byte> bytes_of(std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> half_bytes_of(std::span<const float> values, const std::string& name) {
  std::vector<std::byte> bytes(values.size() * sizeof(uint16_t));
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t half = to_half(values[i]);
    if ((half & 0x7C00U) == 0x7C00U) {
      fail("float16 cannot hold {} (tensor {}, element {}); its largest value is 65504: use --dtype f32",
           values[i], name, i);
    }
    std::memcpy(bytes.data() + i * sizeof(half), &half, sizeof(half));
  }
  return bytes;
}

}  // namespace contentvec::output
