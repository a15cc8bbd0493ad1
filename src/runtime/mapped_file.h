#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace contentvec {

/// A whole regular file, mapped read-only for as long as the object lives; nothing is read until it is
/// touched. Opening costs the same for any size. Safe to read from several threads. The file must not be
/// truncated meanwhile: the system then ends the process (SIGBUS), as it does for any mapped file.
class MappedFile {
 public:
  /// Throws Error, naming the file, when it is missing, unreadable, or not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  /// Takes a part's whole pages out of this process's resident memory; touching them again reads them again
  /// (from the system's cache, as long as it keeps them).
  void release(std::span<const std::byte> part) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::span<const std::byte> bytes_;
};

}  // namespace contentvec
