#include "cli/console.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

namespace contentvec::cli {
namespace {

bool write_line(std::FILE* stream, std::string_view line) {
  const std::string text = fmt::format("{}\n", line);
  return std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
}

}  // namespace

bool print_line(std::string_view line) {
  return write_line(stdout, line);
}

void note_line(std::string_view line) {
  write_line(stderr, line);
}

std::string json_line(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
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
