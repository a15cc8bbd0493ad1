#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "runtime/fail.h"
#include "runtime/input_file.h"

namespace contentvec {

/// A file that a function reads, one part at a time.
class VirtualInputFile final : public InputFile {
 public:
  using ReadPart = std::function<void(uint64_t offset, std::span<std::byte> part)>;
  VirtualInputFile(std::string name, uint64_t size, ReadPart read_part)
      : InputFile(std::move(name), size), read_part_(std::move(read_part)) {
    if (!read_part_) fail("cannot open {}: nothing was given that reads it", path());
  }

  using InputFile::read;
  void read(uint64_t offset, std::span<std::byte> part) const override {
    if (part.empty()) return;
    const std::lock_guard lock(mutex_);
    read_part_(offset, part);
  }

 private:
  ReadPart read_part_;
  mutable std::mutex mutex_;
};

}  // namespace contentvec
