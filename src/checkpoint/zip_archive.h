#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/input_file.h"

struct zip;

namespace contentvec::checkpoint {

/// A zip file (zip64 too). Entries that are stored as they are, neither compressed nor encrypted, are read by find()
/// and read(): none is larger than the file, so that its size can be believed. One that is compressed takes unpack()
/// and a limit. Both may be called from several threads.
class ZipArchive {
 public:
  struct Entry {
    uint64_t index = 0, size = 0;
  };

  /// Throws Error when the directory is damaged or holds a name twice. None of the errors names the file.
  explicit ZipArchive(std::shared_ptr<const InputFile> file);

  [[nodiscard]] const std::map<std::string_view, uint64_t>& names() const { return names_; }
  [[nodiscard]] bool contains(std::string_view name) const { return names_.contains(name); }
  /// Throws Error when there is no such entry, or it can not be read as above.
  [[nodiscard]] Entry find(std::string_view name) const;
  /// The content. Throws Error when its CRC is not the one recorded.
  [[nodiscard]] std::shared_ptr<const std::byte[]> read(const Entry& entry) const;
  /// The content of an entry that may be compressed, of at most `most` bytes. Throws Error as the two above do.
  [[nodiscard]] std::vector<std::byte> unpack(std::string_view name, uint64_t most) const;
  /// The file it is in.
  [[nodiscard]] const std::string& path() const { return file_->path(); }

 private:
  std::shared_ptr<const InputFile> file_;  // outlives the handle, which reads from it
  std::shared_ptr<zip> handle_;
  mutable std::mutex mutex_;                    // of the handle
  std::map<std::string_view, uint64_t> names_;  // views of the handle's own strings
};

/// A zip file of one entry, which is stored as it is: the same content gives the same bytes. Throws Error.
std::vector<std::byte> zip_of(const std::string& name, std::span<const std::byte> content);

}  // namespace contentvec::checkpoint
