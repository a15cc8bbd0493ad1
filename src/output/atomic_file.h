#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace contentvec::output {

/// A file that appears whole or not at all: written under a temporary name in the same folder, flushed to the
/// disk, then renamed over its target by commit(). Destroyed before that, it leaves nothing behind and the
/// old file, if any, as it was.
class AtomicFile {
 public:
  /// Throws Error when the folder does not exist or cannot be written to, or the target is a directory.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Throws Error when the disk is full or fails.
  void write(std::span<const std::byte> bytes);
  /// Flush, fsync, rename, fsync of the folder. Throws Error; the target is then untouched.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  int slot_ = -1;  ///< in the list remove_unfinished_files() goes through
};

/// Deletes the temporary files of every AtomicFile that is open now. Async-signal-safe: for a handler of
/// SIGINT or SIGTERM that ends the process right after.
void remove_unfinished_files() noexcept;

}  // namespace contentvec::output
