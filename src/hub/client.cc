#include "hub/client.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string_view>
#include <thread>

#include "checkpoint/text.h"
#include "runtime/fail.h"

namespace contentvec::hub {
namespace {

constexpr int kMostRedirects = 10;
constexpr const char* kErrorCode = "x-error-code";

/// Seconds that a server out of order, or asked too often, wants to be left alone.
std::optional<int64_t> asked_to_wait(const Response& response) {
  if (response.status != 429 && response.status != 503) return std::nullopt;
  return seconds_to_wait(response.header("retry-after"), std::time(nullptr));
}

std::string wait_text(const Response& response) {
  const std::optional<int64_t> seconds = asked_to_wait(response);
  constexpr int64_t kHour = 3600, kDay = 24 * kHour;
  if (!seconds) return "";
  if (*seconds > kDay) return " and asks to wait for more than a day";
  return fmt::format(" and asks to wait {}", *seconds > kHour
                                                 ? fmt::format("{} hours", (*seconds + kHour - 1) / kHour)
                                                 : fmt::format("{} s", *seconds));
}

void keep_metadata(const Response& earlier, Response& later) {
  for (const char* name : {kCommit, kLinkedEtag, kLinkedSize}) {
    if (earlier.headers.contains(name)) later.headers.try_emplace(name, earlier.header(name));
  }
}

}  // namespace

std::string Client::file_url(const std::string& repo, const std::string& revision,
                             const std::string& file) const {
  return fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, repo, encode(revision, true), encode(file));
}

/// One redirect after the other, none of them libcurl's: what is sent along is decided for each.
/// A HEAD ends where it is sent to another host by an answer that describes the file already: that host is a
/// CDN, whose own ETag means something else.
Response Client::follow(Request request, const Receive& receive, const std::function<void()>& tick) const {
  const std::string home = origin(settings_.endpoint);
  request.token = settings_.token;
  request.login = settings_.login;
  request.answer_seconds = settings_.answer_seconds;
  Response earlier;
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    Response response = send(
        request,
        [&](const Response& so_far, std::span<const std::byte> bytes) {
          if (so_far.status == 200 || so_far.status == 206) receive(so_far, bytes);
        },
        tick);
    keep_metadata(earlier, response);
    if (!response.redirects()) return response;
    const std::string next = join(request.url, response.header("location"));
    const bool leaves = origin(next) != origin(request.url);
    if (request.head && leaves && response.headers.contains(kLinkedEtag)) return response;
    if (request.url.starts_with("https:") && !next.starts_with("https:"))
      fail("{} sends on to {} without encryption, which is refused; report it to whoever runs the first",
           origin(request.url), origin(next));
    if (origin(next) != home) {  // for good, also where a later redirect leads back
      request.token.clear();
      request.login = {};
    }
    request.url = next;
    earlier = std::move(response);
  }
  fail(
      "the redirects of {} lead on and on ({} followed); report it to whoever runs it, or set HF_ENDPOINT to "
      "another",
      home, kMostRedirects);
}

Response Client::ask(const Request& request, const Receive& receive,
                     const std::function<void()>& tick) const {
  constexpr int kMostWaits = 3;
  for (int waits = 0;; ++waits) {
    Response response = follow(request, receive, tick);
    const std::optional<int64_t> seconds = asked_to_wait(response);
    if (!seconds || *seconds > limits().longest_wait || waits == kMostWaits) return response;
    for (int64_t tenths = 0; tenths < *seconds * 10; ++tenths) {
      tick();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

std::optional<RemoteFile> Client::describe(const std::string& repo, const std::string& revision,
                                           const std::string& file, std::string& commit,
                                           const std::function<void()>& tick) const {
  const Response response = ask(
      {.url = file_url(repo, revision, file), .head = true},
      [](const Response&, std::span<const std::byte>) {}, tick);
  const std::string code = response.header(kErrorCode);
  // A mirror may give no code; a commit that exists leaves only the file to be missing.
  if (response.status == 404 && (code == "EntryNotFound" || (code.empty() && is_commit(revision)))) {
    if (is_commit(response.header(kCommit))) commit = response.header(kCommit);
    return std::nullopt;
  }
  if (response.status != 200 && !response.redirects()) fail_for(response, repo, revision, file);
  return remote_file_in(response);
}

Listing Client::list(const std::string& repo, const std::string& revision,
                     const std::function<void()>& tick) const {
  const auto most = static_cast<size_t>(limits().json);
  std::string text;
  const Response response = ask(
      {.url = fmt::format("{}/api/models/{}/revision/{}", settings_.endpoint, repo, encode(revision, true))},
      [&](const Response&, std::span<const std::byte> bytes) {
        if (text.size() + bytes.size() > most)
          fail("the list of files of {} at {} is larger than {} bytes, the limit; name a file: {}/FILE", repo,
               settings_.endpoint, most, repo);
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      },
      tick);
  if (response.status != 200) fail_for(response, repo, revision, "");
  return listing_in(response, text);
}

Response Client::fetch(const std::string& repo, const std::string& commit, const std::string& file,
                       int64_t from, const Receive& receive, const std::function<void()>& tick) const {
  Response response =
      ask({.url = file_url(repo, commit, file), .from = from, .stall_seconds = settings_.stall_seconds},
          receive, tick);
  if (response.status != 200 && response.status != 206 && response.status != 416)
    fail_for(response, repo, commit, file);
  return response;
}

void Client::fail_for(const Response& response, const std::string& repo, const std::string& revision,
                      const std::string& file) const {
  const std::string code = response.header(kErrorCode);
  const std::string hub = settings_.endpoint;
  const int status = response.status;
  if (origin(response.url) != origin(hub))
    throw Unreachable(fmt::format("{}, where {} keeps {}, answers {}{}; try again later",
                                  origin(response.url), hub, repo, status, wait_text(response)),
                      status != 401 && !asked_to_wait(response));
  if (status == 401 && settings_.token.empty())
    throw Unreachable(fmt::format("{} has no public repository {} (401); check the name, and for a private "
                                  "or gated one set HF_TOKEN",
                                  hub, repo),
                      false);
  if (status == 401)
    throw Unreachable(
        fmt::format(
            "{} does not take the token for {} (401); check the name, and HF_TOKEN or `hf auth login`", hub,
            repo),
        false);
  if (status == 403)
    throw Unreachable(
        fmt::format("{} does not let you have {} (403); accept its conditions at {}/{} and set HF_TOKEN to a "
                    "token that may read it",
                    hub, repo, hub, repo),
        false);
  if (status == 429)
    throw Unreachable(
        fmt::format("{} has had too many requests from here (429){}; wait some minutes, or set HF_TOKEN", hub,
                    wait_text(response)),
        !asked_to_wait(response));
  if (status >= 500)
    throw Unreachable(
        fmt::format("{} is out of order (status {}){}; try again later, or set HF_ENDPOINT to a mirror", hub,
                    status, wait_text(response)),
        !asked_to_wait(response));
  if (status == 404 && code == "RevisionNotFound")
    fail("{}/{} has no revision \"{}\" (404); see {}/{}/commits", hub, repo, revision, hub, repo);
  if (status == 404 && (code == "RepoNotFound" || file.empty()))
    fail("{} has no repository {} (404); check the name, and for a private one set HF_TOKEN", hub, repo);
  if (status == 404)
    fail("{} has no \"{}\" in {} at revision {} (404); check all three names", hub, file, repo, revision);
  fail("{} answers {} for {}; is it a Hugging Face hub? (HF_ENDPOINT)", hub, status, repo);
}

}  // namespace contentvec::hub
