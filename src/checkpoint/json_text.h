#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "runtime/input_file.h"

namespace contentvec::checkpoint {

/// Parses JSON from a file nobody vouches for: throws Error (never the parser's own exceptions) for malformed
/// text, nesting beyond 64 levels, more than 4,194,304 values, or a key that occurs twice in one object,
/// which the parser would silently resolve to the last.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);
/// The same, where the error names `origin`, the file it is of.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, std::string_view origin);

/// The largest JSON file that is read, in bytes: far above any index or configuration.
inline constexpr size_t kLargestJson = size_t{64} << 20;

/// The content of a JSON file. Throws Error naming it when it is no regular file, cannot be read, or is
/// larger than kLargestJson.
[[nodiscard]] std::string read_json_text(const std::filesystem::path& path);
/// The same of a file that is open.
[[nodiscard]] std::string read_json_text(const InputFile& file);

}  // namespace contentvec::checkpoint
