#include "hub/settings.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "runtime/fail.h"

namespace contentvec::hub {
namespace {

namespace fs = std::filesystem;

/// A variable's value; empty where it is not set.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_true(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  constexpr std::array<std::string_view, 4> kTrue = {"1", "ON", "YES", "TRUE"};
  return std::find(kTrue.begin(), kTrue.end(), value) != kTrue.end();
}

fs::path home() {
  if (std::string set = variable("HOME"); !set.empty()) return set;
  const passwd* user = ::getpwuid(::getuid());
  if (user == nullptr || user->pw_dir == nullptr)
    fail("cannot tell where the model cache is: HOME is not set; set it, or HF_HUB_CACHE");
  return user->pw_dir;
}

/// A path with a leading "~" written out.
fs::path expand(const std::string& path) {
  if (path == "~") return home();
  return path.starts_with("~/") ? home() / path.substr(2) : fs::path(path);
}

fs::path hugging_face_home() {
  if (const std::string set = variable("HF_HOME"); !set.empty()) return expand(set);
  const std::string caches = variable("XDG_CACHE_HOME");
  return (caches.empty() ? home() / ".cache" : expand(caches)) / "huggingface";
}

fs::path cache_folder(const HubOptions& options) {
  if (!options.cache_dir.empty()) return expand(options.cache_dir.string());
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const std::string set = variable(name); !set.empty()) return expand(set);
  return hugging_face_home() / "hub";
}

std::string trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::string stored_token() {
  const std::string set = variable("HF_TOKEN_PATH");
  constexpr size_t kLongestToken = 4096;  // far more than any token has
  std::string text(kLongestToken, '\0');
  std::ifstream in(set.empty() ? hugging_face_home() / "token" : expand(set));
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return trimmed(text);
}

std::string token(const HubOptions& options) {
  std::string token;
  if (options.token) {
    token = trimmed(*options.token);
  } else if (!is_true(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) {
    for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
      if (token.empty()) token = trimmed(variable(name));
    if (token.empty()) token = stored_token();
  }
  // It becomes a line of the request.
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; }))
    fail(
        "the Hugging Face token has characters that no token has; set HF_TOKEN to what the hub's settings "
        "show");
  return token;
}

std::string offline(const HubOptions& options) {
  if (options.local_files_only) return "only local files were asked for";
  for (const char* name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"})
    if (is_true(variable(name))) return fmt::format("{} is set", name);
  return "";
}

int seconds(const char* name) {
  constexpr int kUsual = 10;
  constexpr int kMost = 86400;
  const std::string text = trimmed(variable(name));
  if (text.empty()) return kUsual;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > kMost)
    fail("{} is \"{}\"; expected a number of seconds, 1 to {}", name, text, kMost);
  return value;
}

fs::path whole_path(const fs::path& path) {
  std::error_code error;
  fs::path whole = fs::absolute(path, error);
  if (error) fail("cannot tell where the model cache {} is: {}", path.string(), error.message());
  return whole.lexically_normal();
}

}  // namespace

Limits& limits() {
  static Limits limits;
  return limits;
}

std::string endpoint_setting() {
  std::string url = trimmed(variable("HF_ENDPOINT"));
  if (url.empty()) return "https://huggingface.co";
  if (!url.starts_with("https://") && !url.starts_with("http://"))
    fail(
        "HF_ENDPOINT is no address of a hub; expected one that begins with https:// or http://, such as "
        "https://huggingface.co");               // what it is may be a password, and is not shown
  if (without_login(url).find('@') != url.npos)  // maybe a part of a password, and not to be shown
    fail("HF_ENDPOINT has an @ behind the host; write / ? # and @ in a password as %2F, %3F, %23 and %40");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Settings settle(const HubOptions& options) {
  std::string endpoint = endpoint_setting();
  Login login = take_login(endpoint);
  return {.cache = whole_path(cache_folder(options)),
          .endpoint = std::move(endpoint),
          .login = std::move(login),
          .token = token(options),
          .offline = offline(options),
          .answer_seconds = seconds("HF_HUB_ETAG_TIMEOUT"),
          .stall_seconds = seconds("HF_HUB_DOWNLOAD_TIMEOUT")};
}

}  // namespace contentvec::hub
