#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/tensor.h"

namespace contentvec::test {

/// Bytes that are there already.
class MemoryStorage final : public checkpoint::Storage {
 public:
  explicit MemoryStorage(const std::vector<float>& values)
      : size_(values.size() * sizeof(float)), bytes_(new std::byte[size_]) {
    std::memcpy(bytes_.get(), values.data(), size_);
  }
  [[nodiscard]] size_t size() const override { return size_; }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override { return bytes_; }
  [[nodiscard]] const std::string& source() const override { return source_; }

 private:
  size_t size_;
  std::shared_ptr<std::byte[]> bytes_;
  std::string source_ = "memory";
};

/// A float32 tensor in C order.
inline checkpoint::Tensor memory_tensor(std::string name, std::vector<int64_t> shape,
                                        const std::vector<float>& values) {
  std::vector<int64_t> strides = checkpoint::contiguous_strides(shape);
  return {.name = std::move(name),
          .shape = std::move(shape),
          .strides = std::move(strides),
          .storage = std::make_shared<MemoryStorage>(values)};
}

}  // namespace contentvec::test
