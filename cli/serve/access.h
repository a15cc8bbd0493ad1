#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/serve/http.h"

namespace contentvec::cli::serve {

/// Who may ask. Pages of other sites may not, by whatever way they come: a request must be for an address in digits,
/// localhost or a name that was said to be this server's, which keeps a name out that was made to point here (DNS
/// rebinding); and where a browser says whose page asks, it must be this server's own.
class Access {
 public:
  /// `names`: hosts besides, as a proxy in front of this may have. `token`: what requests of the API must bring; "":
  /// nothing.
  Access(std::vector<std::string> names, std::string token);

  /// Why a request is not answered, or nothing. `is_api`: it is for more than the page itself.
  [[nodiscard]] std::optional<Response> refuse(const Request& request, bool is_api) const;

 private:
  [[nodiscard]] bool knows_host(const std::string& header) const;
  [[nodiscard]] bool has_token(const Request& request) const;

  std::vector<std::string> names_;
  std::string token_;
};

/// A token that nobody guesses, in letters and digits.
std::string new_token();
/// Whether a text can be one: long enough, and of what needs no escape anywhere.
bool is_token(const std::string& text);

}  // namespace contentvec::cli::serve
