#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/fail.h"

namespace contentvec::checkpoint {

/// Text out of a file, fit for an error message: in quotes, control and non-ASCII bytes escaped, cut when
/// long.
[[nodiscard]] std::string quote(std::string_view text);

/// Such texts with commas between them, the first ten of many.
[[nodiscard]] std::string listed(const std::vector<std::string>& texts);

/// Whether `text` is well-formed UTF-8 (so that JSON can hold it).
[[nodiscard]] bool is_utf8(std::string_view text);

/// The same bytes, seen as characters.
[[nodiscard]] std::string_view as_text(std::span<const std::byte> bytes);

/// Throws Error for what only a damaged (or forged) file does, with the advice that fits all of these.
/// Neither this nor anything else under open() names the file: open() does, once, for all of them.
template <typename... Args>
[[noreturn]] void fail_damaged(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...) +
              "; the file is damaged or incomplete: download or copy it again");
}

}  // namespace contentvec::checkpoint
