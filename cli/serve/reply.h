#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "cli/serve/http.h"

namespace contentvec::cli::serve {

using Json = nlohmann::ordered_json;

/// What a request asks cannot be done: the status and the text of the answer.
class Problem : public std::runtime_error {
 public:
  Problem(int status, const std::string& text) : std::runtime_error(text), status_(status) {}
  [[nodiscard]] int status() const { return status_; }

 private:
  int status_;
};

/// Text that is no UTF-8 gets U+FFFD.
Response reply(int status, const Json& json);
/// {"error": text}
Response problem(int status, const std::string& text);

}  // namespace contentvec::cli::serve
