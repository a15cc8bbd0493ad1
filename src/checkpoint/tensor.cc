#include "checkpoint/tensor.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "checkpoint/text.h"
#include "runtime/fail.h"

namespace contentvec::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints are read as little-endian memory");

constexpr size_t kMaxDimensions = 64;  // what the frameworks that write these files allow

/// float16 to float32, exactly. Masks instead of branches, so that loops over it vectorise; no subnormal
/// float is ever computed with, as a host may have told the CPU to take those for 0.
float widen_half(uint16_t half) {
  constexpr uint32_t kRebias = 112U << 23;  // float's exponent bias less half's
  const uint32_t magnitude = half & 0x7fffU;
  const uint32_t is_special = 0U - static_cast<uint32_t>(magnitude >= 0x7c00U);  // infinity or NaN
  const uint32_t is_tiny = 0U - static_cast<uint32_t>(magnitude < 0x400U);       // 0 or subnormal
  const uint32_t normal = (magnitude << 13) + kRebias + (kRebias & is_special);
  const auto tiny = std::bit_cast<uint32_t>(static_cast<float>(static_cast<int>(magnitude)) * 0x1p-24F);
  const uint32_t sign = (half & 0x8000U) << 16;
  return std::bit_cast<float>(sign | (tiny & is_tiny) | (normal & ~is_tiny));
}

struct Float32 {
  using Stored = float;
  static float widen(float value) { return value; }
};
struct Float64 {
  using Stored = double;
  static float widen(double value) { return static_cast<float>(value); }
};
struct Float16 {
  using Stored = uint16_t;
  static float widen(uint16_t value) { return widen_half(value); }
};
struct BFloat16 {
  using Stored = uint16_t;
  static float widen(uint16_t value) { return std::bit_cast<float>(static_cast<uint32_t>(value) << 16); }
};

template <typename Type>
float load(const std::byte* from) {
  typename Type::Stored stored{};
  std::memcpy(&stored, from, sizeof stored);  // the bytes may be unaligned
  return Type::widen(stored);
}

/// `count` elements that are `stride` elements apart.
template <typename Type>
void copy_row(const std::byte* from, int64_t stride, int64_t count, float* out) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(typename Type::Stored));
  if (stride == 1) {  // apart, for the compiler to vectorise it
    for (int64_t i = 0; i < count; ++i) out[i] = load<Type>(from + i * kSize);
  } else {
    for (int64_t i = 0; i < count; ++i) out[i] = load<Type>(from + i * stride * kSize);
  }
}

/// Dimensions that are laid out as one are joined, so that a contiguous tensor of any rank is a single row.
struct Layout {
  std::vector<int64_t> shape, strides;
};

Layout joined(const Tensor& tensor) {
  Layout layout;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    if (tensor.shape[d] == 1) continue;
    if (!layout.shape.empty() && layout.strides.back() == tensor.shape[d] * tensor.strides[d]) {
      layout.shape.back() *= tensor.shape[d];
      layout.strides.back() = tensor.strides[d];
    } else {
      layout.shape.push_back(tensor.shape[d]);
      layout.strides.push_back(tensor.strides[d]);
    }
  }
  if (layout.shape.empty()) layout = {{1}, {1}};
  return layout;
}

template <typename Type>
void gather(const Tensor& tensor, const std::byte* bytes, std::span<float> out) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(typename Type::Stored));
  const Layout layout = joined(tensor);
  const size_t rank = layout.shape.size();
  const int64_t columns = layout.shape.back();
  std::vector<int64_t> index(rank, 0);
  int64_t position = tensor.offset;
  for (size_t done = 0; done < out.size(); done += static_cast<size_t>(columns)) {
    copy_row<Type>(bytes + position * kSize, layout.strides.back(), columns, out.data() + done);
    for (size_t d = rank - 1; d-- > 0;) {  // the odometer: all dimensions but the last
      position += layout.strides[d];
      if (++index[d] < layout.shape[d]) break;
      position -= layout.strides[d] * layout.shape[d];
      index[d] = 0;
    }
  }
}

/// Index of the last element, plus one; nothing when that leaves int64.
std::optional<int64_t> extent(const Tensor& tensor) {
  int64_t last = tensor.offset;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    int64_t step = 0;
    if (__builtin_mul_overflow(tensor.shape[d] - 1, tensor.strides[d], &step)) return std::nullopt;
    if (__builtin_add_overflow(last, step, &last)) return std::nullopt;
  }
  if (__builtin_add_overflow(last, 1, &last)) return std::nullopt;
  return last;
}

void check_inside(const Tensor& tensor, int64_t count) {
  const size_t size = element_size(tensor.type);
  if (size == 0 || count == 0) return;
  const auto available = static_cast<int64_t>(tensor.storage->size() / size);
  const std::optional<int64_t> end = extent(tensor);
  if (!end || *end > available)
    fail_damaged(
        "tensor {} of shape {}, strides {} and offset {} does not lie inside its storage of {} elements",
        quote(tensor.name), shape_text(tensor.shape), shape_text(tensor.strides), tensor.offset, available);
  // A dimension of stride 0 could otherwise make a tensor of any size out of four bytes.
  if (count > available)
    fail(
        "tensor {} of shape {} is an expanded view of only {} stored elements; expected a tensor that stores "
        "all of its elements: save it again after calling contiguous() on it",
        quote(tensor.name), shape_text(tensor.shape), available);
}

}  // namespace

size_t element_size(ElementType type) {
  switch (type) {
    case ElementType::kF64:
    case ElementType::kI64:
      return 8;
    case ElementType::kF32:
    case ElementType::kI32:
      return 4;
    case ElementType::kF16:
    case ElementType::kBF16:
    case ElementType::kI16:
      return 2;
    case ElementType::kI8:
    case ElementType::kU8:
    case ElementType::kBool:
      return 1;
    case ElementType::kSparse:
    case ElementType::kQuantised:
    case ElementType::kOther:
      break;
  }
  return 0;
}

bool is_floating(ElementType type) {
  return type == ElementType::kF32 || type == ElementType::kF16 || type == ElementType::kBF16 ||
         type == ElementType::kF64;
}

std::string_view type_name(ElementType type) {
  switch (type) {
    case ElementType::kF32:
      return "float32";
    case ElementType::kF16:
      return "float16";
    case ElementType::kBF16:
      return "bfloat16";
    case ElementType::kF64:
      return "float64";
    case ElementType::kI64:
      return "int64";
    case ElementType::kI32:
      return "int32";
    case ElementType::kI16:
      return "int16";
    case ElementType::kI8:
      return "int8";
    case ElementType::kU8:
      return "uint8";
    case ElementType::kBool:
      return "bool";
    case ElementType::kSparse:
      return "sparse (save it after to_dense())";
    case ElementType::kQuantised:
      return "quantised (save it after dequantize())";
    case ElementType::kOther:
      break;
  }
  return "a type unknown here";
}

std::optional<int64_t> checked_count(std::span<const int64_t> shape) {
  int64_t product = 1;
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) empty = true;
    if (size > 0 && __builtin_mul_overflow(product, size, &product)) return std::nullopt;
  }
  return empty ? 0 : product;
}

std::vector<int64_t> contiguous_strides(std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * std::max<int64_t>(shape[d], 1);
  return strides;
}

void check(const Tensor& tensor) {
  if (tensor.shape.size() > kMaxDimensions || tensor.strides.size() != tensor.shape.size())
    fail_damaged("tensor {} has {} dimensions and {} strides; expected the same number of both, at most {}",
                 quote(tensor.name), tensor.shape.size(), tensor.strides.size(), kMaxDimensions);
  const std::optional<int64_t> count = checked_count(tensor.shape);
  if (!count)
    fail_damaged("tensor {} has the impossible shape {}", quote(tensor.name), shape_text(tensor.shape));
  const bool negative =
      std::any_of(tensor.strides.begin(), tensor.strides.end(), [](int64_t s) { return s < 0; });
  if (negative || tensor.offset < 0)
    fail_damaged("tensor {} has strides {} and offset {}; expected none to be negative", quote(tensor.name),
                 shape_text(tensor.strides), tensor.offset);
  check_inside(tensor, *count);
}

int64_t Tensor::count() const {
  int64_t product = 1;
  for (const int64_t size : shape) product *= size;
  return product;
}

void Tensor::copy_to(std::span<float> out) const {
  const std::string who = fmt::format("cannot read tensor {} of {} as float32", quote(name),
                                      storage == nullptr ? "this file" : storage->source());
  if (out.size() != static_cast<size_t>(count()))
    fail("{}: it has {} elements, the buffer to fill {}", who, count(), out.size());
  if (!is_floating(type))
    fail("{}: expected float32, float16, bfloat16 or float64, found {}; convert the checkpoint first", who,
         type_name(type));
  if (out.empty()) return;
  const std::shared_ptr<const std::byte[]> bytes = storage->read();
  if (type == ElementType::kF32) {
    gather<Float32>(*this, bytes.get(), out);
  } else if (type == ElementType::kF64) {
    gather<Float64>(*this, bytes.get(), out);
  } else if (type == ElementType::kF16) {
    gather<Float16>(*this, bytes.get(), out);
  } else {
    gather<BFloat16>(*this, bytes.get(), out);
  }
}

std::string shape_text(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace contentvec::checkpoint
