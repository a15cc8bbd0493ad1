#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace contentvec {

/// A regular file that is read in parts, when they are asked for. It is read and not mapped, so that a file
/// which somebody shortens meanwhile is an error instead of a signal. Safe to read from several threads.
class InputFile {
 public:
  /// Throws Error, naming the file, when it is missing, unreadable, or not a regular file. A pipe without a
  /// writer is refused, not waited for.
  explicit InputFile(const std::filesystem::path& path);
  virtual ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Bytes it had when it was opened.
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Fills `part` with the bytes from `offset` on, which must lie inside size(). Throws Error naming the file
  /// when it has become shorter, or cannot be read.
  virtual void read(uint64_t offset, std::span<std::byte> part) const;
  /// `count` bytes from `offset` on, likewise. Large parts are pages of their own, which go back to the
  /// system with the last handle.
  [[nodiscard]] std::shared_ptr<const std::byte[]> read(uint64_t offset, size_t count) const;

 protected:
  /// A file that is not on the disk; `name` stands for its path.
  InputFile(std::string name, uint64_t size) : path_(std::move(name)), size_(size) {}

 private:
  std::string path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

}  // namespace contentvec
