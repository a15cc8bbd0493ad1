#include "hub/name.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "contentvec/hub.h"
#include "hub/http.h"
#include "hub/settings.h"
#include "runtime/fail.h"

namespace contentvec {

namespace hub {
namespace {

constexpr size_t kLongest = 255;  // of a file name on every file system here

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

/// One of the two parts of a repository's name, by the hub's own rules.
bool is_repo_part(std::string_view part) {
  return !part.empty() && part.size() <= 96 && std::all_of(part.begin(), part.end(), is_plain) &&
         part.front() != '-' && part.front() != '.' && part.back() != '-' && part.back() != '.' &&
         part.find("--") == part.npos && part.find("..") == part.npos;
}

/// A relative path of plain segments, none of which leads elsewhere.
bool is_inner_path(std::string_view path) {
  const auto harmless = [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F && c != '\\';
  };
  if (!std::all_of(path.begin(), path.end(), harmless)) return false;
  while (true) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (segment.empty() || segment.size() > kLongest || segment == "." || segment == "..") return false;
    if (end == path.size()) return true;
    path.remove_prefix(end + 1);
  }
}

/// What ends like a checkpoint and has no third part is a path that does not exist, not a repository.
bool looks_like_a_file(std::string_view repo) {
  constexpr std::array<std::string_view, 6> kEndings = {".pt",          ".pth",  ".bin",
                                                        ".safetensors", ".json", ".onnx"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return repo.ends_with(ending); });
}

/// The segments of a path, each percent-decoded. Throws Error.
std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    if (end > 0) segments.push_back(decode(path.substr(0, end)));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

std::string joined(std::span<const std::string> segments) {
  std::string path;
  for (const std::string& segment : segments) path += (path.empty() ? "" : "/") + segment;
  return path;
}

/// What follows the hub's address in one of a repository or of a file in it.
Name parse_address_path(std::string_view path) {
  const std::vector<std::string> all = segments_of(path.substr(0, path.find_first_of("?#")));
  const std::span<const std::string> parts = all;
  if (parts.size() < 2) check_repo(joined(parts));
  if (parts.size() < 3) return parse_name(joined(parts));
  if (parts[0] == "datasets" || parts[0] == "spaces" || parts[0] == "api")
    fail("the address leads to no model; expected one of a repository or of a file in it");
  Name name;
  name.repo = parts[0] + "/" + parts[1];
  check_repo(name.repo);
  const std::string& page = parts[2];
  const bool of_file = page == "blob" || page == "resolve" || page == "raw";
  if ((!of_file && page != "tree") || parts.size() < 4)
    fail("expected /tree/REVISION, /blob/REVISION/FILE or /resolve/REVISION/FILE after {} in the address",
         name.repo);
  // A revision's slashes are encoded, but for those people write out.
  const size_t length = parts[3] == "refs" && parts.size() > 5 ? 3 : 1;
  name.revision = joined(parts.subspan(3, length));
  name.file = joined(parts.subspan(3 + length));
  check_revision(name.revision);
  if (of_file || !name.file.empty()) check_file(name.file);
  if (!of_file && !name.file.empty())
    fail("the address leads to a folder in {}; give a file in it: {}/{}/FILE@{}", name.repo, name.repo,
         name.file, name.revision);
  return name;
}

}  // namespace

Name parse_spec(const std::string& spec) {
  if (!spec.starts_with("https://") && !spec.starts_with("http://")) return parse_name(spec);
  std::string address = spec;
  take_login(address);
  std::string mirror = endpoint_setting();
  take_login(mirror);
  for (const std::string& hub :
       {mirror, std::string("https://huggingface.co"), std::string("http://huggingface.co"),
        std::string("https://www.huggingface.co"), std::string("https://hf.co")}) {
    if (address.starts_with(hub + "/"))
      return parse_address_path(std::string_view(address).substr(hub.size()));
  }
  fail(
      "it is an address at {}, which is not the hub ({}); download the file and give its path, or set "
      "HF_ENDPOINT where this is a mirror of the hub",
      origin(address), mirror);
}

void check_repo(const std::string& repo) {
  const size_t slash = repo.find('/');
  if (slash == repo.npos || !is_repo_part(std::string_view(repo).substr(0, slash)) ||
      !is_repo_part(std::string_view(repo).substr(slash + 1)))
    fail("\"{}\" is not the name of a repository, which is org/repo in letters, digits, '-', '_' and '.'",
         repo);
}

void check_file(const std::string& file) {
  if (!is_inner_path(file))
    fail("\"{}\" is not the name of a file in a repository, which is a path without \"..\" or empty parts",
         file);
}

void check_revision(const std::string& revision) {
  if (!is_inner_path(revision))
    fail("\"{}\" is not a revision, which is a branch, a tag or a commit", revision);
}

Name parse_name(const std::string& spec) {
  const size_t at = spec.find('@');
  const std::string model = spec.substr(0, at);
  Name name;
  if (at != spec.npos) {
    name.revision = spec.substr(at + 1);
    check_revision(name.revision);
  }
  for (const KnownModel& known : known_models()) {
    if (known.name != model) continue;
    name.repo = known.repo;
    name.file = known.file;
    return name;
  }
  const size_t slash = model.find('/');
  const size_t second = slash == model.npos ? model.npos : model.find('/', slash + 1);
  name.repo = model.substr(0, second);
  check_repo(name.repo);
  if (second == model.npos) {
    if (looks_like_a_file(model)) fail("\"{}\" is the name of a file rather than of a repository", model);
    return name;
  }
  name.file = model.substr(second + 1);
  check_file(name.file);
  return name;
}

}  // namespace hub
}  // namespace contentvec
