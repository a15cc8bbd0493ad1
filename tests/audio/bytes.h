#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/audio.h"

namespace contentvec::test {

/// Makes files byte by byte, as text: sizes and numbers are little- or big-endian.
inline std::string number(uint64_t value, size_t bytes, bool big_endian = false) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) {
    text[big_endian ? bytes - 1 - i : i] = static_cast<char>(value >> (8 * i) & 0xff);
  }
  return text;
}

inline std::vector<std::byte> to_bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

inline std::string to_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The file of these bytes, decoded.
inline Audio decoded(const std::string& file) {
  return read_audio(to_bytes(file), "in");
}

}  // namespace contentvec::test
