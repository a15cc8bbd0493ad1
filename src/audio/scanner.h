#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "audio/byte_source.h"

namespace contentvec::audio {

/// Looks at the bytes of a source, forwards mostly, through a buffer. What lies outside the source reads as
/// nothing: text is shorter than asked for, numbers are 0.
class Scanner {
 public:
  explicit Scanner(ByteSource& source) : source_(source), size_(source.size()) {}

  [[nodiscard]] int64_t size() const { return size_; }

  /// Up to `size` bytes from `offset` on; valid until the next call.
  std::string_view text(int64_t offset, size_t size);
  bool has(int64_t offset, std::string_view text) { return this->text(offset, text.size()) == text; }

  /// The integer of so many bytes (at most 8) at `offset`, least or most significant byte first.
  uint64_t little(int64_t offset, size_t bytes);
  uint64_t big(int64_t offset, size_t bytes);

  /// Where `wanted` begins next, from `offset` on and before `end`; -1 where it does not.
  int64_t find(std::string_view wanted, int64_t offset, int64_t end);

  /// Whether all bytes from `begin` to `end` are zero.
  bool is_zero(int64_t begin, int64_t end);

 private:
  ByteSource& source_;
  int64_t size_;
  int64_t start_ = 0;  ///< of the buffer, in the source
  std::string buffer_;
};

inline size_t byte_at(std::string_view text, size_t index) {
  return static_cast<unsigned char>(text[index]);
}

}  // namespace contentvec::audio
