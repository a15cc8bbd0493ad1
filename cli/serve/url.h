#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace contentvec::cli::serve {

/// Letters of ASCII made small.
std::string lower_case(std::string text);

/// The target of a request: "/api/conversions?voice=a%20b".
struct Target {
  std::string path;  ///< as it was sent: an escape in it is in none of the paths that are known
  std::map<std::string, std::string> query;  ///< decoded
};

/// Throws Problem where it is no path, a name comes twice, or an escape is broken.
Target parse_target(std::string_view target);

/// The host of one with its port, as Host and Origin have it, "localhost:8765", "[::1]": in lower case, without
/// brackets. Nothing where it is none.
std::optional<std::string> parse_host(std::string_view text);

/// Whether a host is an address in digits.
bool is_address(const std::string& host);
/// Whether it is one that stands for all of a machine's: 0.0.0.0 or ::. It can be listened at, and not be opened.
bool is_unspecified(const std::string& host);
/// Whether it is an address that other machines do not reach.
bool is_loopback(const std::string& host);

}  // namespace contentvec::cli::serve
