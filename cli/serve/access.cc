#include "cli/serve/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <string_view>
#include <utility>

#include "cli/serve/reply.h"
#include "cli/serve/url.h"

namespace contentvec::cli::serve {
namespace {

/// Whether a browser says that it asks for a page of this server's own, or a person does.
bool is_own(const Request& request, bool is_api) {
  const std::string site = request.header("sec-fetch-site");
  if (site.empty() || site == "same-origin" || site == "none") return true;
  // A link that leads here is no attack: what it opens is a page of its own, which is shown in no frame.
  return !is_api && request.method == "GET" && request.header("sec-fetch-mode") == "navigate" &&
         request.header("sec-fetch-dest") == "document";
}

bool is_same_origin(const Request& request) {
  const std::string origin = lower_case(request.header("origin"));
  const std::string host = lower_case(request.header("host"));
  return origin.empty() || origin == "http://" + host || origin == "https://" + host;
}

/// Takes as long for every text of one length.
bool are_equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]) & 0xffU;
  return difference == 0;
}

}  // namespace

Access::Access(std::vector<std::string> names, std::string token)
    : names_(std::move(names)), token_(std::move(token)) {
  for (std::string& name : names_) name = lower_case(std::move(name));
}

bool Access::knows_host(const std::string& header) const {
  const std::optional<std::string> asked = parse_host(header);
  if (!asked) return false;
  return *asked == "localhost" || is_address(*asked) ||
         std::find(names_.begin(), names_.end(), *asked) != names_.end();
}

/// A browser cannot say it in a header for a WebSocket: there it is among the protocols.
bool Access::has_token(const Request& request) const {
  if (token_.empty()) return true;
  constexpr std::string_view kScheme = "bearer ";  // in any case, as HTTP has it
  const std::string given = request.header("authorization");
  if (lower_case(given.substr(0, kScheme.size())) == kScheme &&
      are_equal(given.substr(kScheme.size()), token_))
    return true;
  return are_equal(request.header("sec-websocket-protocol"),
                   fmt::format("{}, bearer.{}", kLiveProtocol, token_));
}

std::optional<Response> Access::refuse(const Request& request, bool is_api) const {
  if (!knows_host(request.header("host")))
    return problem(
        403,
        "the Host of this request is none of this server's: ask for its address in digits or localhost, or "
        "start it with --allow-host NAME");
  if (!is_same_origin(request) || !is_own(request, is_api))
    return problem(403, "this request comes from a page of another site");
  if (is_api && !has_token(request)) {
    Response response = problem(401, "this server asks for its token: Authorization: Bearer TOKEN");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  return std::nullopt;
}

std::string new_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i) token += fmt::format("{:08x}", random());
  return token;
}

bool is_token(const std::string& text) {
  constexpr size_t kShortest = 16;
  return text.size() >= kShortest && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_';
         });
}

}  // namespace contentvec::cli::serve
