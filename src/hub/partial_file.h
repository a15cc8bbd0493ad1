#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace contentvec::hub {

/// Opens a file of the cache, or makes it, with O_CLOEXEC and `flags`: a regular file that has no other name.
/// Whatever else bears its name (a link, a pipe) is removed first, never followed and never waited for.
/// Throws Error.
int open_own_file(const std::filesystem::path& path, int flags);

/// The first bytes, up to `most`, of a regular file; nothing where there is none, a link included.
std::optional<std::string> beginning_of(const std::filesystem::path& path, size_t most);

/// An exclusive flock on a file, made where it does not exist, as huggingface_hub takes it. Waits for other
/// holders, calling `waiting` about ten times a second, which may throw. Where the file system has no locks
/// it goes on without one: should two write a download at once, its digest tells.
class FileLock {
 public:
  /// `lock` stands for flock().
  FileLock(const std::filesystem::path& path, const std::function<void()>& waiting,
           const std::function<int(int, int)>& lock = {});
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// A download that may have begun earlier. Unless it is finished, what was written, if anything, stays for
/// the next attempt.
class PartialFile {
 public:
  /// Opens it, or makes it. Throws Error.
  explicit PartialFile(std::filesystem::path path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  [[nodiscard]] int64_t size() const { return size_; }
  /// Appends. Throws Error; on a full disk after giving back what it took.
  void write(std::span<const std::byte> bytes);
  /// Starts again from nothing.
  void clear();
  void remove();
  /// Flushes it and gives it its name.
  void finish(const std::filesystem::path& name);

 private:
  [[noreturn]] void fail_to_write(int error);

  std::filesystem::path path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace contentvec::hub
