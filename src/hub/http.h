#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "contentvec/error.h"

namespace contentvec::hub {

/// The server could not be reached, or would not answer for now or for this user: what the cache holds may
/// stand in for it.
class Unreachable : public Error {
 public:
  explicit Unreachable(const std::string& what, bool again = true) : Error(what), again_(again) {}
  /// Whether to ask once more soon makes sense; not after a refusal, or where the server asks for more time.
  [[nodiscard]] bool again() const { return again_; }

 private:
  bool again_;
};

/// What came before the body.
struct Response {
  std::string url;  ///< of the request it answers
  int status = 0;
  std::map<std::string, std::string> headers;  ///< by lower-case name; of several alike the last

  /// Empty where there is none.
  [[nodiscard]] std::string header(const std::string& name) const;
  /// Whether it sends elsewhere.
  [[nodiscard]] bool redirects() const {
    return status >= 300 && status < 400 && headers.contains("location");
  }
};

/// What an address may hold before its host.
struct Login {
  std::string user;
  std::string password;
};

struct Request {
  std::string url;
  bool head = false;       ///< HEAD rather than GET
  std::string token = {};  ///< sent as it is to whatever host `url` names; empty: none
  Login login = {};        ///< likewise
  int64_t from = 0;        ///< the first byte wanted
  int answer_seconds = 0;
  int stall_seconds = 0;  ///< 0: the whole answer is to arrive in twice answer_seconds
};

/// Takes the next bytes of a body.
using Receive = std::function<void(const Response&, std::span<const std::byte>)>;

/// Makes one request and follows no redirect. http and https, certificates verified; proxies as the
/// environment says. What `receive` and `tick` (called about once a second at least) throw ends the request
/// and passes through. Throws Unreachable where no whole answer arrives, which names the host.
Response send(const Request& request, const Receive& receive, const std::function<void()>& tick);

/// The file of certificates to trust: SSL_CERT_FILE, else none ("", libcurl's own choice) where `built_in`,
/// the file libcurl was built to take, exists or is null; else the first that there is of where systems keep
/// them. A libcurl that a Python wheel brings along was built on another system than it runs on.
std::string certificates(const char* built_in);

/// Takes "user:password@" out of a URL. Throws Error, which does not repeat it, where it is no URL.
Login take_login(std::string& url);

/// A text that may be a URL, without what take_login() takes: for messages.
std::string without_login(const std::string& text);

/// How long a Retry-After header, seconds or a date of HTTP, asks to wait from `now` (of time()): 0 for a
/// date that is past, nothing where it is neither.
std::optional<int64_t> seconds_to_wait(const std::string& header, int64_t now);

/// "https://host" of a URL, with the port where it is not the usual one. Throws Error for one that is not
/// http or https.
std::string origin(const std::string& url);

/// The URL that `location` means where `base` said it. Throws Error where it is no URL.
std::string join(const std::string& base, const std::string& location);

/// A percent-encoded text as it was. Throws Error where it is none, or holds a zero byte.
std::string decode(std::string_view text);

/// A path percent-encoded, but for its slashes unless they are to be, too.
std::string encode(const std::string& path, bool slashes = false);

}  // namespace contentvec::hub
