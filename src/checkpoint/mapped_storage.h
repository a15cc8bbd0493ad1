#pragma once

#include <memory>
#include <span>
#include <utility>

#include "checkpoint/tensor.h"
#include "runtime/mapped_file.h"

namespace contentvec::checkpoint {

/// A part of a mapped file, which it keeps mapped. Reading copies nothing; what was read stays resident only
/// while somebody looks at it, so that packing a model does not hold the file's pages beside its own.
class MappedStorage final : public Storage {
 public:
  MappedStorage(std::shared_ptr<const MappedFile> file, std::span<const std::byte> part)
      : file_(std::move(file)), part_(part) {}
  [[nodiscard]] size_t size() const override { return part_.size(); }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    return {part_.data(), [file = file_, part = part_](const std::byte*) { file->release(part); }};
  }
  [[nodiscard]] const std::string& source() const override { return file_->path(); }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::span<const std::byte> part_;
};

}  // namespace contentvec::checkpoint
