#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/pickle_value.h"
#include "checkpoint/tensor.h"

namespace contentvec::checkpoint {

/// What a torch pickle's persistent id says about a storage: everything but where its bytes are.
struct StorageId {
  /// The part of a storage that an old file may declare as a storage of its own, in elements.
  struct View {
    int64_t offset = 0, count = 0;
  };

  std::string_view class_name;  ///< e.g. "FloatStorage"
  ElementType type =
      ElementType::kOther;   ///< kOther too for a storage without a type: its tensors tell theirs
  size_t element_size = 0;   ///< in bytes; 0 when the class is not known
  std::string_view key;      ///< the container's name for it
  int64_t count = 0;         ///< elements, not negative
  std::optional<View> view;  ///< checked to lie inside

  /// Bytes of the whole storage. Throws Error when the class is not known, or the product wraps.
  [[nodiscard]] size_t bytes() const;
};

/// Reads ('storage', class, key, location, count[, view]). Throws Error when it is anything else.
[[nodiscard]] StorageId storage_id(const pickle::Values& values, pickle::Ref persistent_id);

/// How a container finds the bytes of a storage, having checked their size. Throws Error when it does not.
using FindStorage = std::function<std::shared_ptr<const Storage>(const StorageId&)>;

/// Whether a value is a call of one of torch's functions that make a tensor (or a Parameter of one).
[[nodiscard]] bool is_tensor(const pickle::Values& values, pickle::Ref ref);

/// The checked tensor that such a call would have made. Throws Error naming the tensor, not the file.
[[nodiscard]] Tensor tensor_of(const pickle::Values& values, pickle::Ref ref, const std::string& name,
                               const FindStorage& find);

}  // namespace contentvec::checkpoint
