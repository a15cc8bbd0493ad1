#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace contentvec::audio {

/// The bytes of one audio file, wherever they are. A decoder written in C reads them through callbacks, which
/// must not throw: a failed read gives fewer bytes, and error() says why. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  [[nodiscard]] virtual int64_t size() const noexcept = 0;
  /// Copies the bytes from `offset` on into `into`; returns how many there were.
  virtual size_t read(int64_t offset, std::span<std::byte> into) noexcept = 0;
  /// The errno of the first read that failed, or 0.
  [[nodiscard]] virtual int error() const noexcept { return 0; }
};

/// Bytes that stay in the caller's memory.
std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes);

/// A regular file is read as it is decoded; a pipe is read whole first, because most decoders need to seek.
/// "-" is standard input. Throws Error, its text beginning with `doing`, when there is nothing to read.
std::unique_ptr<ByteSource> open_source(const std::filesystem::path& path, const std::string& doing);

}  // namespace contentvec::audio
