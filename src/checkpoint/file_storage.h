#pragma once

#include <memory>
#include <utility>

#include "checkpoint/tensor.h"
#include "runtime/input_file.h"

namespace contentvec::checkpoint {

/// A part of a file, which it keeps open. It is read anew whenever it is asked for, so that packing a model
/// holds no more of the file than what is being packed.
class FileStorage final : public Storage {
 public:
  FileStorage(std::shared_ptr<const InputFile> file, uint64_t offset, size_t size)
      : file_(std::move(file)), offset_(offset), size_(size) {}
  [[nodiscard]] size_t size() const override { return size_; }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    return file_->read(offset_, size_);
  }
  [[nodiscard]] const std::string& source() const override { return file_->path(); }

 private:
  std::shared_ptr<const InputFile> file_;
  uint64_t offset_;
  size_t size_;
};

}  // namespace contentvec::checkpoint
