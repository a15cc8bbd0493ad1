#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace contentvec::checkpoint {

/// Element types a checkpoint can hold. Only the floating ones can be read as weights; the rest are known so
/// that a tensor nobody needs (a step counter, a mask) does not stop a file from loading. kSparse and
/// kQuantised are torch's tensors that are no plain arrays: only their names are read.
enum class ElementType {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool,
  kSparse,
  kQuantised,
  kOther
};

/// Whether tensors of this type can be read as weights.
[[nodiscard]] bool is_floating(ElementType type);

/// Bytes of one element; 0 for kOther, kSparse and kQuantised.
[[nodiscard]] size_t element_size(ElementType type);
/// "float32", "float16", ...
[[nodiscard]] std::string_view type_name(ElementType type);

/// The bytes behind one or more tensors. Reading may touch the disk (a zip entry is read and its CRC
/// checked), so that tensors nobody asks for cost nothing. Safe to read from several threads.
class Storage {
 public:
  virtual ~Storage() = default;
  /// Size in bytes, known without reading; already checked against the file.
  [[nodiscard]] virtual size_t size() const = 0;
  /// A view of all bytes, valid as long as the returned handle lives. It may be aligned to nothing at all.
  /// Throws Error when the file is damaged.
  [[nodiscard]] virtual std::shared_ptr<const std::byte[]> read() const = 0;
  /// The file it belongs to, for errors.
  [[nodiscard]] virtual const std::string& source() const = 0;
};

/// A named n-dimensional view into a storage, checked when it was made: every element lies inside the
/// storage, there are no more of them than the storage holds, and no product of its sizes wraps. (Of kOther,
/// whose element size is unknown, only the shape is checked: it cannot be read.)
struct Tensor {
  std::string name;
  ElementType type = ElementType::kF32;
  std::vector<int64_t> shape;              ///< empty: a scalar
  std::vector<int64_t> strides;            ///< in elements, one per dimension, none negative
  int64_t offset = 0;                      ///< of the first element, in elements
  std::shared_ptr<const Storage> storage;  ///< null: of kSparse and kQuantised

  /// Number of elements.
  [[nodiscard]] int64_t count() const;
  /// All elements in C order as float32 into out[count()]; F16 and BF16 widen exactly, F64 is rounded to the
  /// nearest. Throws Error for any other type, or when the storage cannot be read. `out.size()` must be
  /// count().
  void copy_to(std::span<float> out) const;
};

/// Makes sure that `tensor` is what its comment promises. Throws Error naming the tensor, not the file.
void check(const Tensor& tensor);

/// The product of all sizes; nothing when one is negative or the product of the others than 0 leaves int64.
[[nodiscard]] std::optional<int64_t> checked_count(std::span<const int64_t> shape);

/// C order: the last dimension is contiguous. `shape` must have a checked_count().
[[nodiscard]] std::vector<int64_t> contiguous_strides(std::span<const int64_t> shape);

/// "[24, 1, 10]"
[[nodiscard]] std::string shape_text(std::span<const int64_t> shape);

}  // namespace contentvec::checkpoint
