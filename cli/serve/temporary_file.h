#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace contentvec::cli::serve {

/// A folder of this process's own, for what is being written: gone with it.
class TemporaryFolder {
 public:
  /// Throws Error where none can be made.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A file without a name: whatever ends the process, nothing of it stays on the disk. For one thread while it is
/// written, for any number afterwards.
class TemporaryFile {
 public:
  /// An empty one, on the disk of `folder`. Throws Error.
  explicit TemporaryFile(const std::filesystem::path& folder);
  /// Takes the name of a file that is there away. Throws Error.
  static std::shared_ptr<const TemporaryFile> adopt(const std::filesystem::path& path);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// Throws Error where the disk is full or fails.
  void append(std::span<const std::byte> bytes);
  [[nodiscard]] uint64_t size() const { return size_; }
  /// Fills the span with what begins at `offset`, which must be there. Throws Error.
  void read(uint64_t offset, std::span<std::byte> bytes) const;

  /// The whole of it, as long as this lives.
  class View {
   public:
    explicit View(const TemporaryFile& file);
    ~View();
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

   private:
    std::span<const std::byte> bytes_;
  };

 private:
  TemporaryFile(int file, uint64_t size) : file_(file), size_(size) {}

  int file_ = -1;
  uint64_t size_ = 0;
};

/// What a client is told of "the recording" or "the result" that such a file cannot hold. Where the server keeps them
/// is for its own console alone, which gets the error.
std::string cannot_keep(const char* what, const std::exception& error);

}  // namespace contentvec::cli::serve
