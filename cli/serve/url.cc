#include "cli/serve/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "cli/serve/reply.h"

namespace contentvec::cli::serve {
namespace {

/// What %20 and + stand for in a query. Throws Problem where an escape is broken.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    uint8_t byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (error != std::errc() || digits.size() != 2 || end != digits.data() + 2)
      throw Problem(
          400,
          fmt::format("\"%{}\" in the request's address: expected two hexadecimal digits behind %", digits));
    plain += static_cast<char>(byte);
    i += 2;
  }
  return plain;
}

/// Cuts what is before `separator` off, and the separator; all of it where there is none.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text = at == std::string_view::npos ? "" : text.substr(at + 1);
  return taken;
}

}  // namespace

std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return text;
}

Target parse_target(std::string_view target) {
  if (!target.starts_with('/'))
    throw Problem(400, "expected a path as the request's address, such as /api/voices");
  Target result;
  result.path = take_until(target, '?');
  while (!target.empty()) {
    std::string_view pair = take_until(target, '&');
    if (pair.empty()) continue;
    const std::string name = unescaped(take_until(pair, '='));
    if (!result.query.emplace(name, unescaped(pair)).second)
      throw Problem(400, fmt::format("the parameter \"{}\" comes twice: say it once", name));
  }
  return result;
}

std::optional<std::string> parse_host(std::string_view text) {
  std::string host;
  std::string_view port;
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    if (text.find(']') == std::string_view::npos) return std::nullopt;
    host = take_until(text, ']');
    if (!text.empty() && !text.starts_with(':')) return std::nullopt;
    port = text.substr(std::min<size_t>(1, text.size()));
  } else {
    host = take_until(text, ':');
    port = text;
  }
  const bool is_number = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (host.empty() || !is_number) return std::nullopt;
  return lower_case(std::move(host));
}

bool is_address(const std::string& host) {
  in6_addr address = {};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_unspecified(const std::string& host) {
  in6_addr address = in6addr_loopback;
  if (inet_pton(AF_INET6, host.c_str(), &address) == 1) return IN6_IS_ADDR_UNSPECIFIED(&address);
  in_addr v4 = {};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 && v4.s_addr == INADDR_ANY;
}

bool is_loopback(const std::string& host) {
  in_addr address = {};
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  return host == "::1";
}

}  // namespace contentvec::cli::serve
