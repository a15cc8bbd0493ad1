#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/http.h"
#include "hub/replies.h"
#include "hub/settings.h"

namespace contentvec::hub {

/// Speaks to the hub. Every request starts at the endpoint, which alone is given the token and its login;
/// once a redirect leads to another host, they are not sent any more. Where the server asks for a moment
/// (Retry-After), it gets it, within limits().
///
/// Throws Unreachable where the hub cannot be reached or refuses (401, 403, 429, 5xx), Error for everything
/// else that is wrong; both say what to do.
class Client {
 public:
  explicit Client(const Settings& settings) : settings_(settings) {}

  /// Nothing where the repository has no such file; `commit` is then set where the hub says it. `tick`: see
  /// send().
  std::optional<RemoteFile> describe(const std::string& repo, const std::string& revision,
                                     const std::string& file, std::string& commit,
                                     const std::function<void()>& tick) const;

  [[nodiscard]] Listing list(const std::string& repo, const std::string& revision,
                             const std::function<void()>& tick) const;

  /// The bytes of a file from `from` on, to `receive`, as an answer with status 200 (from the first byte
  /// whatever was asked) or 206. Returns it, or one with 416 where the file has no more.
  Response fetch(const std::string& repo, const std::string& commit, const std::string& file, int64_t from,
                 const Receive& receive, const std::function<void()>& tick) const;

 private:
  [[nodiscard]] std::string file_url(const std::string& repo, const std::string& revision,
                                     const std::string& file) const;
  Response ask(const Request& request, const Receive& receive, const std::function<void()>& tick) const;
  Response follow(Request request, const Receive& receive, const std::function<void()>& tick) const;
  [[noreturn]] void fail_for(const Response& response, const std::string& repo, const std::string& revision,
                             const std::string& file) const;

  Settings settings_;
};

}  // namespace contentvec::hub
