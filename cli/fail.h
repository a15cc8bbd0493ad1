#pragma once

#include <fmt/format.h>

#include <utility>

#include "contentvec/error.h"

namespace contentvec::cli {

/// Throws Error with a formatted text: what was being done, what was expected, what was found, what to do.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace contentvec::cli
