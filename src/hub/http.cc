#include "hub/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <string_view>

#include "checkpoint/text.h"
#include "contentvec/model.h"
#include "runtime/fail.h"
#include "runtime/lower_case.h"

namespace contentvec::hub {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part(const Url& url, CURLUPart which, unsigned int flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, flags) != CURLUE_OK) return "";
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  return text;
}

Url parse(const std::string& text) {
  Url url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    fail("\"{}\" is not an address", without_login(text));
  return url;
}

/// A transfer under way, as the callbacks see it. An exception cannot cross libcurl: it waits here.
struct Transfer {
  const Receive& receive;
  const std::function<void()>& tick;
  Response response = {};
  size_t header_bytes = 0;
  std::exception_ptr error = nullptr;
};

constexpr size_t kMostHeaderBytes = size_t{256} << 10;

void take_header(Response& response, std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // another answer begins: that of a proxy, or "100 Continue", came before
    response.headers.clear();
    return;
  }
  const size_t colon = line.find(':');
  if (colon == line.npos) return;
  const std::string name = lower_case(std::string(line.substr(0, colon)));
  line.remove_prefix(colon + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  response.headers[name] = line;
}

/// Runs `action` for a callback; false once something was thrown.
template <typename Action>
bool guarded(Transfer& transfer, const Action& action) noexcept {
  try {
    action();
    return true;
  } catch (...) {
    transfer.error = std::current_exception();
    return false;
  }
}

size_t on_header(char* data, size_t size, size_t count, void* user) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.header_bytes += size * count;
  if (transfer.header_bytes > kMostHeaderBytes) return 0;
  const bool good =
      guarded(transfer, [&] { take_header(transfer.response, std::string_view(data, size * count)); });
  return good ? size * count : 0;
}

struct Body {
  CURL* curl;
  Transfer& transfer;
};

int status_of(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

size_t on_body(char* data, size_t size, size_t count, void* user) noexcept {
  const Body& body = *static_cast<Body*>(user);
  const bool good = guarded(body.transfer, [&] {
    body.transfer.response.status = status_of(body.curl);
    body.transfer.receive(body.transfer.response, std::as_bytes(std::span(data, size * count)));
  });
  return good ? size * count : 0;
}

int on_tick(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  Transfer& transfer = *static_cast<Transfer*>(user);
  return guarded(transfer, transfer.tick) ? 0 : 1;
}

std::string reason(CURLcode code, const Request& request, const char* details) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "there is no such host, or no network; check the connection, and HF_ENDPOINT where it is set";
    case CURLE_COULDNT_CONNECT:
      return "no connection; check the network, the proxy and HF_ENDPOINT where they are set";
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format("no answer for {} s; check the network, or try again later",
                         request.stall_seconds > 0 ? request.stall_seconds : request.answer_seconds);
    case CURLE_PEER_FAILED_VERIFICATION:
      return fmt::format(
          "its certificate is not to be trusted ({}); where a proxy of your organisation stands between, "
          "name its certificates in SSL_CERT_FILE",
          *details != '\0' ? details : curl_easy_strerror(code));
    case CURLE_PARTIAL_FILE:
      return "the connection ended early";
    default:
      return *details != '\0' ? details : curl_easy_strerror(code);
  }
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Lines = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

Handle new_handle() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);  // once, whatever thread comes first
  Handle curl(curl_easy_init(), curl_easy_cleanup);
  if (ready != CURLE_OK || !curl) fail("libcurl could not be started");
  return curl;
}

void set_patience(CURL* curl, const Request& request) {
  constexpr long kSlowest = 100;  // bytes a second; less is no download
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.answer_seconds));
  const bool bulk = request.stall_seconds > 0;
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(bulk ? request.stall_seconds : request.answer_seconds));
  if (!bulk) curl_easy_setopt(curl, CURLOPT_TIMEOUT, 2L * request.answer_seconds);
}

Lines header_lines(const Request& request) {
  Lines lines(nullptr, curl_slist_free_all);
  if (request.token.empty()) return lines;
  lines.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + request.token).c_str()));
  if (!lines) throw std::bad_alloc();
  return lines;
}

}  // namespace

std::string Response::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Response send(const Request& request, const Receive& receive, const std::function<void()>& tick) {
  const Handle handle = new_handle();
  CURL* curl = handle.get();
  Transfer transfer{.receive = receive, .tick = tick};
  Body body{curl, transfer};
  std::array<char, CURL_ERROR_SIZE> details{};
  const Lines lines = header_lines(request);

  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.head ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, fmt::format("contentvec/{}", version()).c_str());
  if (!request.login.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, request.login.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, request.login.password.c_str());
  }
  if (request.from > 0) curl_easy_setopt(curl, CURLOPT_RANGE, fmt::format("{}-", request.from).c_str());
  if (const std::string trusted = certificates(curl_version_info(CURLVERSION_NOW)->cainfo); !trusted.empty())
    curl_easy_setopt(curl, CURLOPT_CAINFO, trusted.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // signals are the program's
  set_patience(curl, request);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details.data());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);

  const CURLcode code = curl_easy_perform(curl);
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (transfer.header_bytes > kMostHeaderBytes)
    fail("{} sends headers without end; is it a Hugging Face hub?", origin(request.url));
  if (code != CURLE_OK)
    throw Unreachable(fmt::format("{}: {}", origin(request.url), reason(code, request, details.data())));
  transfer.response.url = request.url;
  transfer.response.status = status_of(curl);
  return std::move(transfer.response);
}

std::string certificates(const char* built_in) {
  if (const char* set = std::getenv("SSL_CERT_FILE"); set != nullptr && *set != '\0') return set;
  std::error_code error;
  if (built_in == nullptr || std::filesystem::exists(built_in, error)) return "";
  for (const char* usual : {"/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch, Gentoo
                            "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
                            "/etc/ssl/ca-bundle.pem",              // openSUSE
                            "/etc/ssl/cert.pem"})                  // Alpine, macOS
    if (std::filesystem::exists(usual, error)) return usual;
  return "";
}

Login take_login(std::string& url) {
  const Url parsed = parse(url);
  Login login{part(parsed, CURLUPART_USER, CURLU_URLDECODE),
              part(parsed, CURLUPART_PASSWORD, CURLU_URLDECODE)};
  url = without_login(url);
  return login;
}

std::string without_login(const std::string& text) {
  const size_t scheme = text.find("://");
  if (scheme == text.npos) return text;
  const size_t begin = scheme + 3;
  const size_t at = text.substr(0, text.find_first_of("/?#", begin)).rfind('@');
  return at == text.npos || at < begin ? text : text.substr(0, begin) + text.substr(at + 1);
}

std::optional<int64_t> seconds_to_wait(const std::string& header, int64_t now) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error == std::errc() && end == header.data() + header.size() && seconds >= 0) return seconds;
  if (header.find(':') == header.npos) return std::nullopt;  // a date has a time
  const time_t date = curl_getdate(header.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::max<int64_t>(0, static_cast<int64_t>(date) - now);
}

std::string origin(const std::string& url) {
  const Url parsed = parse(url);
  std::string scheme = part(parsed, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https")
    fail("expected an address that begins with https:// or http://, found {}:", scheme);
  const std::string host = lower_case(part(parsed, CURLUPART_HOST));
  const std::string port = part(parsed, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  return fmt::format("{}://{}{}{}", scheme, host, port.empty() ? "" : ":", port);
}

std::string join(const std::string& base, const std::string& location) {
  const Url url = parse(base);
  // The result is looked at by origin() before it is used; here an unknown scheme is only another address.
  if (curl_url_set(url.get(), CURLUPART_URL, location.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    fail("the server sends on to {}, which is not an address", checkpoint::quote(location));
  return part(url, CURLUPART_URL);
}

std::string decode(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(at + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2 || value == 0)
      fail("the address has a \"%\" that two hexadecimal digits do not follow");
    plain += static_cast<char>(value);
    at += 2;
  }
  return plain;
}

std::string encode(const std::string& path, bool slashes) {
  std::string text;
  for (const char c : path) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' ||
                       c == '~' || (c == '/' && !slashes);
    text += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

}  // namespace contentvec::hub
