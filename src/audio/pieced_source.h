#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audio/byte_source.h"

namespace contentvec::audio {

/// Bytes that take the place of as many others in a file.
struct Patch {
  int64_t offset;
  std::string bytes;
};

/// A file put together from ranges of another one, new bytes, and repeated bytes, without copying what is in
/// the other, which must outlive it.
class PiecedSource final : public ByteSource {
 public:
  explicit PiecedSource(ByteSource& from) : from_(from) {}

  /// The bytes of the other file from `begin` to `end`.
  void add_range(int64_t begin, int64_t end);
  /// The same with the patches, which are in order, applied.
  void add_patched(int64_t begin, int64_t end, const std::vector<Patch>& patches);
  void add_bytes(std::string_view bytes);
  void put_before(std::string_view bytes);  ///< before all that is there
  void add_repeated(std::byte value, int64_t count);

  [[nodiscard]] int64_t size() const noexcept override { return size_; }
  size_t read(int64_t offset, std::span<std::byte> into) noexcept override;
  [[nodiscard]] int error() const noexcept override { return from_.error(); }

 private:
  enum class Kind { kRange, kBytes, kRepeated };
  struct Piece {
    int64_t start;  ///< in this file
    int64_t from;   ///< the offset in the other file or in own_, or the value that is repeated
    Kind kind;
  };
  [[nodiscard]] size_t read_piece(const Piece& piece, int64_t skipped, std::span<std::byte> into) noexcept;

  ByteSource& from_;
  std::string own_;
  std::vector<Piece> pieces_;
  int64_t size_ = 0;
};

/// The file from `begin` to `end` with the patches, which are in order, applied. Offsets count from the
/// file's own beginning.
std::unique_ptr<PiecedSource> patched(ByteSource& from, int64_t begin, int64_t end,
                                      const std::vector<Patch>& patches);

/// The bytes of a number, least or most significant first.
std::string little_bytes(uint64_t value, size_t bytes);
std::string big_bytes(uint64_t value, size_t bytes);

}  // namespace contentvec::audio
