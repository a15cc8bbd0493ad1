#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace contentvec::cli {

/// Writes a line to standard output at once. False when it cannot be written (closed, a broken pipe, a full
/// disk): the caller decides whether its work is still worth doing.
bool print_line(std::string_view line);

/// Writes a line to standard error at once; there is nobody to tell when that fails.
void note_line(std::string_view line);

/// An object as one line of JSON. A path need not be UTF-8: bytes that are not become U+FFFD.
std::string json_line(const nlohmann::ordered_json& object);

/// "94,371,712"
std::string grouped(int64_t value);

}  // namespace contentvec::cli
