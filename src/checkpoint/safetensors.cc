#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>

#include "checkpoint/file_storage.h"
#include "checkpoint/json_text.h"
#include "checkpoint/text.h"

// The format: https://github.com/huggingface/safetensors#format

namespace contentvec::checkpoint {
namespace {

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;  // the limit of the format's reference implementation

struct NamedType {
  std::string_view name;
  ElementType type;
  size_t size;  // 0: unknown
};

constexpr std::array kNamedTypes = {
    NamedType{"F32", ElementType::kF32, 4},       NamedType{"F16", ElementType::kF16, 2},
    NamedType{"BF16", ElementType::kBF16, 2},     NamedType{"F64", ElementType::kF64, 8},
    NamedType{"I64", ElementType::kI64, 8},       NamedType{"I32", ElementType::kI32, 4},
    NamedType{"I16", ElementType::kI16, 2},       NamedType{"I8", ElementType::kI8, 1},
    NamedType{"U8", ElementType::kU8, 1},         NamedType{"BOOL", ElementType::kBool, 1},
    NamedType{"U16", ElementType::kOther, 2},     NamedType{"U32", ElementType::kOther, 4},
    NamedType{"U64", ElementType::kOther, 8},     NamedType{"C64", ElementType::kOther, 8},
    NamedType{"F8_E4M3", ElementType::kOther, 1}, NamedType{"F8_E5M2", ElementType::kOther, 1},
};

NamedType named_type(const std::string& name) {
  for (const NamedType& type : kNamedTypes)
    if (type.name == name) return type;
  return {name, ElementType::kOther, 0};
}

struct Range {
  uint64_t begin = 0, end = 0;
  const std::string* name = nullptr;
};

const json& member(const json& entry, const char* key, json::value_t type, const std::string& name) {
  const auto found = entry.find(key);
  if (found == entry.end() || found->type() != type)
    fail_damaged("safetensors header: tensor {} has no proper \"{}\"", quote(name), key);
  return *found;
}

std::vector<int64_t> shape_of(const json& entry, const std::string& name) {
  std::vector<int64_t> shape;
  for (const json& size : member(entry, "shape", json::value_t::array, name)) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > INT64_MAX)
      fail_damaged("safetensors header: tensor {} has a shape that is not made of sizes: {}", quote(name),
                   quote(size.dump()));
    shape.push_back(size.get<int64_t>());
  }
  return shape;
}

Range range_of(const json& entry, const std::string& name, uint64_t data_size) {
  const json& offsets = member(entry, "data_offsets", json::value_t::array, name);
  if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    fail_damaged("safetensors header: tensor {} has data_offsets that are not two offsets", quote(name));
  const Range range{offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>()};
  if (range.begin > range.end || range.end > data_size)
    fail_damaged("safetensors header: tensor {} lies at [{}, {}), outside the {} bytes of data", quote(name),
                 range.begin, range.end, data_size);
  return range;
}

void check_size(const std::string& name, std::span<const int64_t> shape, const NamedType& type, Range range) {
  const std::optional<int64_t> count = checked_count(shape);
  uint64_t bytes = 0;
  if (!count || __builtin_mul_overflow(static_cast<uint64_t>(*count), type.size, &bytes))
    fail_damaged("safetensors header: tensor {} has the impossible shape {}", quote(name), shape_text(shape));
  if (type.size != 0 && bytes != range.end - range.begin)
    fail_damaged(
        "safetensors header: tensor {} of type {} and shape {} takes {} bytes, but its offsets span {}",
        quote(name), type.name, shape_text(shape), bytes, range.end - range.begin);
}

/// The format lets the tensors tile the data exactly, in any order.
void check_tiling(std::vector<Range>& ranges, uint64_t data_size) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Range& range : ranges) {
    if (range.begin != end)
      fail_damaged("safetensors header: tensor {} begins at byte {} of the data, expected {}: it {}",
                   quote(*range.name), range.begin, end,
                   range.begin < end ? "overlaps another one" : "leaves a hole");
    end = range.end;
  }
  if (end != data_size)
    fail_damaged("safetensors: the tensors end at byte {} of {} bytes of data", end, data_size);
}

void read_metadata(const json& entry, Checkpoint& checkpoint) {
  if (!entry.is_object()) fail_damaged("safetensors header: __metadata__ is not an object");
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) fail_damaged("safetensors header: __metadata__ {} is not a string", quote(key));
    checkpoint.metadata[key] = value.get<std::string>();
  }
}

/// The header's JSON, after everything about its length has been checked.
std::string header_of(const InputFile& file) {
  if (file.size() <= kLengthBytes)
    fail_damaged("safetensors: {} bytes are too few for a header", file.size());
  uint64_t length = 0;
  file.read(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > file.size() - kLengthBytes)
    fail_damaged("safetensors: the header claims {} bytes, {} are left in the file", length,
                 file.size() - kLengthBytes);
  if (length > kLongestHeader)
    fail_damaged("safetensors: the header claims {} bytes; the format allows {}", length, kLongestHeader);
  std::string header(length, '\0');
  file.read(kLengthBytes, std::as_writable_bytes(std::span(header)));
  if (!header.starts_with('{')) fail_damaged("safetensors: the header does not begin with '{{'");
  return header;
}

}  // namespace

bool is_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > kLengthBytes && bytes[kLengthBytes] == std::byte{'{'};
}

Checkpoint read_safetensors(const std::shared_ptr<const InputFile>& file) {
  const std::string header = header_of(*file);
  const uint64_t data = kLengthBytes + header.size();
  const uint64_t data_size = file->size() - data;
  Checkpoint checkpoint;
  checkpoint.container = "safetensors";
  const json entries = parse_json(header);
  std::vector<Range> ranges;
  for (const auto& [name, entry] : entries.items()) {
    if (name == "__metadata__") {
      read_metadata(entry, checkpoint);
      continue;
    }
    if (!entry.is_object())
      fail_damaged("safetensors header: tensor {} is not described by an object", quote(name));
    const auto type =
        named_type(member(entry, "dtype", json::value_t::string, name).get_ref<const std::string&>());
    const Range range = range_of(entry, name, data_size);
    Tensor tensor;
    tensor.name = name;
    tensor.type = type.type;
    tensor.shape = shape_of(entry, name);
    check_size(name, tensor.shape, type, range);
    tensor.strides = contiguous_strides(tensor.shape);
    tensor.storage =
        std::make_shared<FileStorage>(file, data + range.begin, static_cast<size_t>(range.end - range.begin));
    check(tensor);
    const auto [place, added] = checkpoint.tensors.emplace(name, std::move(tensor));
    ranges.push_back({range.begin, range.end, &place->first});
  }
  check_tiling(ranges, data_size);
  return checkpoint;
}

}  // namespace contentvec::checkpoint
