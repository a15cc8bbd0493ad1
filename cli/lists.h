#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace contentvec::cli {

/// The most a list of inputs may hold. docs/limits.md.
inline constexpr size_t kMostListBytes = size_t{64} << 20;
inline constexpr size_t kLongestListLine = 16384;
inline constexpr size_t kMostListLines = 2'000'000;

/// The lines of a list of inputs that name something: not empty, and not beginning with '#'. UTF-8 with or
/// without a byte order mark, or UTF-16 of either order, with a mark or clearly so. Paths that are not
/// UTF-8 stay as they are. Throws Error, not naming the file, for what is no regular file, for what is no
/// text, and beyond the limits above.
std::vector<std::string> read_list(const std::string& path);

/// The path that a line names. As written, where something is there; else without blanks and quotes around
/// it; else what stands before the first '|' (path|speaker|language|text). Each is looked for from the
/// current directory, then from `folder`, the list's. Where nothing is there, the last of these readings.
std::string path_in_line(std::string_view line, const std::string& folder);

}  // namespace contentvec::cli
