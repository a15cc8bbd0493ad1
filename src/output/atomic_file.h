#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace contentvec::output {

/// How many unfinished files contentvec::remove_unfinished_files() can know at once; more can be written,
/// unlisted.
inline constexpr int kListedFiles = 64;

/// A file that appears whole or not at all: written under a temporary name in the same folder
/// (".contentvec-....tmp"), flushed to the disk, then renamed over its target by commit(). Destroyed before
/// that, it leaves nothing behind and the old file, if any, as it was. The new file has the old one's
/// permissions, or else what the umask leaves. A symbolic link to a file stays: the file behind it is
/// replaced.
///
/// A device, a pipe, and anything under /dev (such as /dev/stdout) is written straight through instead: there
/// a rename would replace the device. Not thread-safe; different objects may be used by different threads.
class AtomicFile {
 public:
  /// Throws Error when the folder does not exist or cannot be written to, or the target is a folder.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Whether it is a device or a pipe, where what is written is gone: nothing can be written over.
  [[nodiscard]] bool straight_through() const { return temporary_.empty(); }

  /// Appends to what was written last. Throws Error when the disk is full or fails.
  void write(std::span<const std::byte> bytes);
  /// The same at a position of the file, in bytes; what is never written in between reads as zeros. Throws
  /// Error also for a pipe, unless the position is where the last write ended.
  void write_at(int64_t position, std::span<const std::byte> bytes);
  /// Flush, fsync, rename, fsync of the folder. Throws Error; the target is then untouched. Call it once,
  /// after the last write().
  void commit();

 private:
  void open_device();
  void open_temporary();

  std::filesystem::path target_;
  std::filesystem::path temporary_;  ///< empty when written straight through, and after commit()
  int descriptor_ = -1;
  int64_t position_ = 0;  ///< where the next write() goes
  int slot_ = -1;         ///< in the list remove_unfinished_files() goes through
};

}  // namespace contentvec::output
