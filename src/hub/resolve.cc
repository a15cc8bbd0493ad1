// From the name of a model to the files on this machine that make it.

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "checkpoint/hf_directory.h"
#include "checkpoint/hf_files.h"
#include "checkpoint/text.h"
#include "contentvec/hub.h"
#include "hub/files.h"
#include "hub/http.h"
#include "hub/name.h"
#include "hub/repository.h"
#include "runtime/fail.h"

namespace contentvec {
namespace hub {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<std::string>;

bool looks_like_weights(const std::string& name) {
  constexpr std::array<std::string_view, 4> kEndings = {".safetensors", ".pt", ".pth", ".bin"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

std::string choose(const std::string& repo, const Files& files) {
  std::string chosen = checkpoint::weights_among(files);
  if (!chosen.empty()) return chosen;
  constexpr size_t kShown = 20;
  Files candidates;
  for (const std::string& name : files)
    if (looks_like_weights(name)) candidates.push_back(checkpoint::quote(name));
  std::sort(candidates.begin(), candidates.end());
  if (candidates.size() > kShown) candidates.resize(kShown);
  fail("{} has no {}; name one: {}/FILE{}{}", repo, checkpoint::kWeightsLookedFor, repo,
       candidates.empty() ? "" : ", where FILE may be ", fmt::join(candidates, ", "));
}

/// All files of the model; returns where the one to open is.
fs::path fetch(Repository& repository, const Name& name) {
  const auto enough = [](const Files& files) { return !checkpoint::weights_among(files).empty(); };
  const std::string file = name.file.empty() ? choose(name.repo, repository.files(enough)) : name.file;
  const std::string folder = file.substr(0, file.rfind('/') + 1);
  fs::path path = repository.get(file);
  if (checkpoint::is_shard_index(path)) {
    for (const std::string& shard : checkpoint::shards_of(path)) repository.get(folder + shard);
  }
  for (const char* beside : checkpoint::kBesideWeights) repository.find(folder + beside);
  repository.remember();
  return path;
}

ResolvedModel fetch(const Name& name, const HubOptions& options) {
  Repository repository(name, options);
  fs::path path = fetch(repository, name);
  return {std::move(path), repository.warnings()};
}

/// Anything but "there is nothing of that name" is for opening it to complain about.
bool exists_here(const std::string& spec) {
  std::error_code error;
  return fs::status(spec, error).type() != fs::file_type::not_found;
}

std::string known_names() {
  std::string text;
  for (const KnownModel& known : known_models()) text += (text.empty() ? "" : ", ") + std::string(known.name);
  return text;
}

Name parse_or_fail(const std::string& spec, const std::string& expected) try {
  return parse_spec(spec);
} catch (const Error& error) {
  fail("{}: there is no such file or folder, and it names no model of the hub: {}. Expected {}",
       without_login(spec), error.what(), expected);
}

std::string expected_model() {
  return fmt::format(
      "a checkpoint (.safetensors, .pt, .pth, .bin), a Hugging Face folder, org/repo or org/repo/file (also with "
      "@revision), its address on the hub, a short name ({}), or synthetic:base",
      known_names());
}

/// Fetches what `spec` names, which is not on this machine.
template <typename Fetch>
auto fetch_or_fail(const std::string& spec, const std::string& expected, const Fetch& fetch_named) {
  const Name name = parse_or_fail(spec, expected);
  try {
    return fetch_named(name);
  } catch (const Error& error) {
    fail("{}: there is no such file or folder here, and as a model of the hub it cannot be had: {}",
         without_login(spec), error.what());
  }
}

}  // namespace

FetchedFiles fetch_files(const std::string& spec, const HubOptions& options, const std::string& expected,
                         const ChooseFiles& choose) {
  return fetch_or_fail(spec, expected, [&](const Name& name) {
    Repository repository(name, options);
    // What the cache has may be part of what is wanted.
    const Files all = repository.files([](const Files& /*cached*/) { return false; });
    FetchedFiles fetched;
    for (const std::string& file : choose(all, name.file)) fetched.paths.push_back(repository.get(file));
    repository.remember();
    fetched.warnings = repository.warnings();
    return fetched;
  });
}

ResolvedModel resolve_as(const std::string& spec, const HubOptions& options, const std::string& expected) {
  if (exists_here(spec)) return {spec, {}};
  return fetch_or_fail(spec, expected, [&](const Name& name) { return fetch(name, options); });
}

}  // namespace hub

ResolvedModel resolve(const std::string& spec, const HubOptions& options) {
  return hub::resolve_as(spec, options, hub::expected_model());
}

ResolvedModel download(const std::string& repo, const std::string& file, const HubOptions& options) {
  hub::check_repo(repo);
  return hub::fetch(hub::Name{.repo = repo, .file = file, .revision = {}}, options);
}

std::optional<std::filesystem::path> find_cached(const std::string& spec, const HubOptions& options) {
  const hub::Name name = hub::parse_spec(spec);
  HubOptions offline = options;
  offline.local_files_only = true;
  try {
    return hub::fetch(name, offline).path;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace contentvec
