#include "cli/lists.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "cli/fail.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

enum class Encoding { kBytes, kUtf16Le, kUtf16Be };

void check_is_regular(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) fail("cannot read this list: No such file or directory");
  if (error) fail("cannot read this list: {}", error.message());
  if (status.type() != fs::file_type::regular) {
    fail("cannot read this list: it is a pipe or a device; a list is a regular file of at most {} MiB",
         kMostListBytes >> 20);
  }
}

std::string bytes_of(const std::string& path) {
  check_is_regular(path);
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("cannot read this list: {}", std::generic_category().message(errno));
  std::string bytes;
  std::vector<char> block(size_t{1} << 16);
  // What the system says of its size is not believed: a file of /proc says 0, and a file can grow.
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    bytes.append(block.data(), static_cast<size_t>(in.gcount()));
    if (bytes.size() > kMostListBytes) {
      fail("this list is larger than {} MiB, the most that is read of one: split it, or name the directories",
           kMostListBytes >> 20);
    }
  }
  if (!in.eof()) fail("cannot read this list: {}", std::generic_category().message(errno));
  return bytes;
}

/// By the byte order mark, which is taken off, or by where the zeros of the first characters are: no path
/// has a zero byte.
Encoding take_encoding(std::string_view& bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xEF\xBB\xBF"sv)) {
    bytes.remove_prefix(3);
    return Encoding::kBytes;
  }
  const bool little = bytes.starts_with("\xFF\xFE"sv);
  if (little || bytes.starts_with("\xFE\xFF"sv)) {
    bytes.remove_prefix(2);
    return little ? Encoding::kUtf16Le : Encoding::kUtf16Be;
  }
  if (bytes.size() >= 2 && bytes[0] != 0 && bytes[1] == 0) return Encoding::kUtf16Le;
  if (bytes.size() >= 2 && bytes[0] == 0 && bytes[1] != 0) return Encoding::kUtf16Be;
  return Encoding::kBytes;
}

void append_utf8(std::string& text, uint32_t c) {
  const auto byte = [&](uint32_t value) { text.push_back(static_cast<char>(value)); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) {
    byte(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      byte(0xE0 | c >> 12);
    } else {
      byte(0xF0 | c >> 18);
      byte(0x80 | (c >> 12 & 0x3F));
    }
    byte(0x80 | (c >> 6 & 0x3F));
  }
  byte(0x80 | (c & 0x3F));
}

std::string utf8_of(std::string_view bytes, Encoding encoding) {
  if (bytes.size() % 2 != 0) fail("this list is UTF-16 that ends within a character: it was cut short");
  const auto unit = [&](size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]);
    const auto second = static_cast<unsigned char>(bytes[at + 1]);
    return encoding == Encoding::kUtf16Le ? uint32_t{second} << 8 | first : uint32_t{first} << 8 | second;
  };
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 2) {
    uint32_t c = unit(at);
    if (c >= 0xD800 && c < 0xDC00 && at + 3 < bytes.size()) {
      const uint32_t low = unit(at + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    if (c >= 0xD800 && c < 0xE000) fail("this list is UTF-16 with half a character: save it as UTF-8");
    append_utf8(text, c);
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\v\f";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string_view unquoted(std::string_view text) {
  text = trimmed(text);
  const bool quoted =
      text.size() >= 2 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

bool is_anything(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// A path where something is, from the current directory or from `folder`.
std::optional<std::string> found_from(std::string_view text, const fs::path& folder) {
  if (text.empty()) return std::nullopt;
  const fs::path path = text;
  if (text == "-" || is_anything(path)) return std::string(text);
  if (path.is_relative() && !folder.empty() && is_anything(folder / path)) return (folder / path).string();
  return std::nullopt;
}

}  // namespace

std::vector<std::string> read_list(const std::string& path) {
  const std::string bytes = bytes_of(path);
  std::string_view rest = bytes;
  std::string decoded;
  if (const Encoding encoding = take_encoding(rest); encoding != Encoding::kBytes) {
    decoded = utf8_of(rest, encoding);
    rest = decoded;
  }
  if (rest.find('\0') != std::string_view::npos) {
    fail("this is no list of paths: it has bytes that no text has; a list is text, one path per line");
  }
  const char end = rest.find('\n') == std::string_view::npos ? '\r' : '\n';  // old Macs' ended in \r alone
  std::vector<std::string> lines;
  for (size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find(end));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.size() > kLongestListLine) {
      fail("line {} of this list has {} bytes, and the longest that is taken is {}: is it one path per line?",
           number, line.size(), kLongestListLine);
    }
    if (trimmed(line).empty() || line.front() == '#') continue;
    if (lines.size() == kMostListLines) {
      fail("this list names more than {} inputs, the most that one run takes: split it", kMostListLines);
    }
    lines.emplace_back(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
  }
  return lines;
}

std::string path_in_line(std::string_view line, const std::string& folder) {
  const std::string_view before_bar = unquoted(trimmed(line).substr(0, trimmed(line).find('|')));
  for (const std::string_view reading : {line, unquoted(line), before_bar}) {
    if (std::optional<std::string> found = found_from(reading, folder)) return *found;
  }
  return std::string(before_bar.empty() ? line : before_bar);
}

}  // namespace contentvec::cli
