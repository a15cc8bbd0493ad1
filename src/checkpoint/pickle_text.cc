#include "checkpoint/pickle_text.h"

#include <charconv>
#include <limits>
#include <locale>
#include <sstream>

#include "checkpoint/text.h"

namespace contentvec::checkpoint::pickle {
namespace {

/// Up to `longest` digits from the start of `text`, which it removes.
uint32_t take_digits(std::string_view& text, size_t shortest, size_t longest, int base) {
  uint32_t value = 0;
  const std::string_view digits = text.substr(0, longest);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  const auto used = static_cast<size_t>(end - digits.data());
  if (error != std::errc{} || used < shortest) fail_damaged("malformed escape in the text {}", quote(text));
  text.remove_prefix(used);
  return value;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto continuation = [&](uint32_t shift) {
    out += static_cast<char>(0x80u | ((code >> shift) & 0x3fu));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0u | (code >> 6));
    continuation(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0u | (code >> 12));
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xf0u | (code >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

/// One escape of a Python 2 literal; `text` begins after the backslash.
void append_escape(std::string& out, std::string_view& text) {
  constexpr std::string_view kNames = "abfnrtv";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
  const char c = text.front();
  if (c >= '0' && c <= '7') {
    out += static_cast<char>(take_digits(text, 1, 3, 8) & 0xffu);
    return;
  }
  text.remove_prefix(1);
  if (c == 'x') {
    out += static_cast<char>(take_digits(text, 2, 2, 16));
  } else if (const size_t known = kNames.find(c); known != std::string_view::npos) {
    out += kMeanings[known];
  } else if (c == '\\' || c == '\'' || c == '"') {
    out += c;
  } else {
    out += '\\';
    out += c;
  }
}

}  // namespace

std::optional<int64_t> parse_integer(std::string_view line) {
  int64_t value = 0;
  const char* end = line.data() + line.size();
  const auto [stopped, error] = std::from_chars(line.data(), end, value);
  if (error == std::errc::invalid_argument || stopped != end)
    fail_damaged("expected a decimal integer, found {}", quote(line));
  if (error == std::errc::result_out_of_range) return std::nullopt;
  return value;
}

double parse_real(std::string_view line) {
  constexpr size_t kLongest = 400;  // no repr() of a double is longer
  if (line == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (line == "inf") return std::numeric_limits<double>::infinity();
  if (line == "-inf") return -std::numeric_limits<double>::infinity();
  double value = 0;
  std::istringstream in{std::string(line.substr(0, kLongest))};
  in.imbue(std::locale::classic());  // the program's own locale may want a comma
  if (!(in >> value) || in.peek() != std::istringstream::traits_type::eof())
    fail_damaged("expected a decimal number, found {}", quote(line));
  return value;
}

std::string parse_literal(std::string_view line) {
  const bool quoted = line.size() >= 2 && line.front() == line.back() && (line[0] == '\'' || line[0] == '"');
  if (!quoted) fail_damaged("expected a quoted string, found {}", quote(line));
  std::string_view text = line.substr(1, line.size() - 2);
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\\' && !text.empty())
      append_escape(out, text);
    else
      out += c;
  }
  return out;
}

std::string parse_unicode(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const bool escape = line.size() > 1 && line[0] == '\\' && (line[1] == 'u' || line[1] == 'U');
    if (!escape) {
      append_utf8(out, static_cast<uint8_t>(line[0]));
      line.remove_prefix(1);
      continue;
    }
    const size_t digits = line[1] == 'u' ? 4 : 8;
    line.remove_prefix(2);
    const uint32_t code = take_digits(line, digits, digits, 16);
    if (code > 0x10ffff) fail_damaged("there is no character U+{:X}", code);
    append_utf8(out, code);
  }
  return out;
}

}  // namespace contentvec::checkpoint::pickle
