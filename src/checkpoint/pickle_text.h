#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The textual opcodes of pickle protocol 0. Each throws Error for malformed text.

namespace contentvec::checkpoint::pickle {

/// A decimal integer; nothing when it does not fit.
[[nodiscard]] std::optional<int64_t> parse_integer(std::string_view line);
[[nodiscard]] double parse_real(std::string_view line);
/// What a Python 2 string literal, quotes included, stands for.
[[nodiscard]] std::string parse_literal(std::string_view line);
/// Python's raw-unicode-escape (Latin-1 with \uXXXX and \UXXXXXXXX) as UTF-8.
[[nodiscard]] std::string parse_unicode(std::string_view line);

}  // namespace contentvec::checkpoint::pickle
