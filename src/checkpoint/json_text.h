#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace contentvec::checkpoint {

/// Parses JSON from a file nobody vouches for: throws Error (never the parser's own exceptions) for malformed
/// text, nesting beyond 64 levels, or a key that occurs twice in one object, which the parser would silently
/// resolve to the last.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

}  // namespace contentvec::checkpoint
