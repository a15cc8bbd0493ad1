#include "cli/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "contentvec/error.h"

namespace contentvec::cli {
namespace {

Verbosity chosen_verbosity = Verbosity::kNormal;

/// NO_COLOR (no-color.org): set, and not empty.
bool in_colour() {
  const char* no_color = std::getenv("NO_COLOR");
  return on_terminal() && (no_color == nullptr || *no_color == '\0');
}

/// The start of a line, in the colour of an SGR code ("31" is red).
std::string coloured(std::string_view text, std::string_view code) {
  return in_colour() ? fmt::format("\033[1;{}m{}\033[0m", code, text) : std::string(text);
}

bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string percent_encoded(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    text += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

/// `text` with control characters as JSON writes them, but for those of `kept`. Those of C1 are two bytes in UTF-8.
std::string without_controls(std::string_view text, std::string_view kept) {
  std::string visible;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    const bool is_c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (is_c1 || ((byte < ' ' || byte == 0x7f) && kept.find(text[i]) == std::string_view::npos)) {
      visible += fmt::format("\\u{:04x}", is_c1 ? next : byte);
      i += is_c1 ? 1 : 0;
    } else {
      visible += text[i];
    }
  }
  return visible;
}

size_t columns() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
}

/// A line that is written over stands on the terminal: others are written in its place.
std::atomic<bool> is_line_shown = false;

bool write_line(std::FILE* stream, std::string_view line, const std::string& start = "") {
  const char* const before = stream == stderr && is_line_shown.exchange(false) ? "\r\033[K" : "";
  const std::string text = fmt::format("{}{}{}\n", before, start, without_controls(line, "\n\t"));
  return std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
}

}  // namespace

bool print_line(std::string_view line) {
  return write_line(stdout, line);
}

void print_or_throw(std::string_view line, std::string_view done) {
  if (print_line(line)) return;
  throw Error(
      fmt::format("cannot write to standard output{}", done.empty() ? "" : fmt::format(" ({})", done)));
}

void set_verbosity(Verbosity verbosity) {
  chosen_verbosity = verbosity;
}

Verbosity verbosity() {
  return chosen_verbosity;
}

void note_line(std::string_view line) {
  if (chosen_verbosity != Verbosity::kQuiet) write_line(stderr, line);
}

void detail_line(std::string_view line) {
  if (chosen_verbosity == Verbosity::kVerbose) write_line(stderr, line);
}

void warning_line(std::string_view text) {
  write_line(stderr, text, fmt::format("contentvec: {} ", coloured("warning:", "33")));
}

void warning_lines(std::span<const std::string> texts) {
  for (const std::string& text : texts) warning_line(text);
}

void error_line(std::string_view text) {
  write_line(stderr, text, coloured("contentvec:", "31") + " ");
}

bool on_terminal() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

void show_line(std::string_view line) {
  is_line_shown = !line.empty();
  const std::string text = fmt::format("\r\033[K{}", line.substr(0, columns()));
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string name_of(std::string_view path) {
  return path == "-" ? "standard input" : shown(path);
}

std::string shown(std::string_view text) {
  return without_controls(text, "");
}

std::string json_line(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string utf8_text(const std::string& text) {
  return nlohmann::json::parse(json_line(text)).get<std::string>();
}

void set_path(nlohmann::ordered_json& object, const std::string& key, const std::string& path) {
  object[key] = path;
  if (!is_utf8(path)) object[key + "_bytes"] = percent_encoded(path);
}

void set_path(std::map<std::string, std::string>& texts, const std::string& key, const std::string& path) {
  nlohmann::ordered_json object;
  set_path(object, key, path);
  const auto clean = nlohmann::json::parse(json_line(object));
  for (const auto& [name, text] : clean.items()) texts[name] = text.get<std::string>();
}

std::string grouped(int64_t value) {
  const std::string digits = fmt::format("{}", value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace contentvec::cli
