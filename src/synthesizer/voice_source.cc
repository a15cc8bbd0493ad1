// From what a user names to a voice's file and its index.

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "checkpoint/packed_file.h"
#include "checkpoint/text.h"
#include "contentvec/voice.h"
#include "hub/files.h"
#include "runtime/fail.h"
#include "runtime/lower_case.h"
#include "tensors/synthetic.h"

namespace contentvec {
namespace synthesizer {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool ends_in(const std::string& path, std::string_view ending) {
  return path.size() > ending.size() && lower_case(path).ends_with(ending);
}

bool is_visible(const std::string& path) {
  return !path.starts_with('.') && path.find("/.") == std::string::npos && !path.starts_with("__MACOSX/");
}

/// Those that `is_wanted` says, of the outermost folder that has any.
template <typename Wanted>
Names outermost(const Names& names, const Wanted& is_wanted) {
  Names found;
  std::ptrdiff_t depth = 0;
  for (const std::string& name : names) {
    if (!is_visible(name) || !is_wanted(name)) continue;
    const std::ptrdiff_t here = std::count(name.begin(), name.end(), '/');
    if (!found.empty() && here > depth) continue;
    if (here < depth) found.clear();
    depth = here;
    found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Leaves those whose name begins so, where there are any.
void prefer(Names& names, std::string_view beginning, bool with) {
  Names preferred;
  for (const std::string& name : names)
    if (file_name(name).starts_with(beginning) == with) preferred.push_back(name);
  if (!preferred.empty()) names = std::move(preferred);
}

struct VoiceAndIndex {
  std::string voice, index;  ///< empty: there is none
};

Names voices_among(const Names& names) {
  Names voices = outermost(names, [](const std::string& name) {
    const std::string file = file_name(name);
    return (ends_in(name, ".pth") || ends_in(name, ".safetensors")) && !file.starts_with("D_") &&
           !file.starts_with("f0D");
  });
  prefer(voices, "G_", false);
  return voices;
}

/// The voice among the files of `place`, and its index. No voice is left to the caller to complain about.
VoiceAndIndex choose(const Names& names, const std::string& place) {
  const Names voices = voices_among(names);
  if (voices.size() > 1)
    fail("{}: expected one voice, found {}: {}; name one: {}/FILE", place, voices.size(),
         checkpoint::listed(voices), place);
  Names indexes = outermost(names, [](const std::string& name) {
    return ends_in(name, ".index") && !file_name(name).starts_with("trained_");
  });
  prefer(indexes, "added_", true);
  if (!voices.empty() && indexes.size() > 1) {
    fail("{}: expected one index beside the voice, found {}: {}; name the voice, {}/{}, and its index", place,
         indexes.size(), checkpoint::listed(indexes), place, voices.front());
  }
  return {voices.empty() ? "" : voices.front(), indexes.empty() ? "" : indexes.front()};
}

[[noreturn]] void fail_without_voice(const std::string& place) {
  fail("{}: there is no voice in it (.pth or .safetensors)", place);
}

/// In a folder or a zip file that has these files.
VoiceSource source_in(const std::string& place, const Names& names) {
  const VoiceAndIndex found = choose(names, place);
  if (found.voice.empty()) fail_without_voice(place);
  VoiceSource source = {place + "/" + found.voice, std::nullopt};
  if (!found.index.empty()) source.index = place + "/" + found.index;
  return source;
}

/// Names of the files below a folder, as far as packs of voices go.
Names files_below(const fs::path& folder) {
  constexpr int kDeepest = 2;
  constexpr size_t kMost = 10'000;
  Names names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at.depth() >= kDeepest) at.disable_recursion_pending();
    if (at->is_directory(ignored)) continue;
    if (names.size() == kMost)
      fail("{}: more than {} files are in it; name the voice", folder.string(), kMost);
    names.push_back(at->path().lexically_relative(folder).string());
  }
  if (error) fail("{}: this folder cannot be listed: {}", folder.string(), error.message());
  return names;
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

VoiceSource source_here(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return source_in(without_slash(path), files_below(path));
  if (!fs::is_regular_file(path, ignored)) return {path, std::nullopt};  // opening it says what is wrong
  const std::optional<Names> packed = checkpoint::packed_files(path);
  return packed ? source_in(path, *packed) : VoiceSource{path, std::nullopt};
}

/// mlx-rvc's JSON, which lies beside the weights.
std::string json_beside(const std::string& name) {
  return name.substr(0, name.rfind('.')) + ".json";
}

/// The voice first, then its index where there is one, then what lies beside.
Names files_of_repository(const Names& all, const std::string& named, const std::string& spec,
                          bool& has_index) {
  VoiceAndIndex found = {named, ""};
  if (named.empty()) found = choose(all, spec);
  if (found.voice.empty()) {
    const Names zips = outermost(all, [](const std::string& name) { return ends_in(name, ".zip"); });
    if (zips.size() > 1)
      fail("expected one voice in it, found {} zip files: {}; name one: {}/FILE", zips.size(),
           checkpoint::listed(zips), spec);
    if (zips.empty()) fail_without_voice(spec);
    return zips;
  }
  Names files = {found.voice};
  has_index = !found.index.empty();
  if (has_index) files.push_back(found.index);
  const std::string beside = json_beside(found.voice);
  if (ends_in(found.voice, ".safetensors") && std::find(all.begin(), all.end(), beside) != all.end())
    files.push_back(beside);
  return files;
}

VoiceSource source_on_hub(const std::string& spec, const HubOptions& options) {
  constexpr const char* kExpected =
      "a voice (.pth, .safetensors), a folder or .zip with one in it, a repository of the hub or a file in it "
      "(org/repo, org/repo/file), or synthetic:CONFIG.json";
  bool has_index = false;
  const hub::FetchedFiles fetched =
      hub::fetch_files(spec, options, kExpected, [&](const Names& all, const std::string& named) {
        return files_of_repository(all, named, spec, has_index);
      });
  VoiceSource source = source_here(fetched.paths.front().string());
  if (has_index) source.index = fetched.paths[1].string();
  source.warnings = fetched.warnings;
  return source;
}

}  // namespace
}  // namespace synthesizer

VoiceSource find_voice(const std::string& spec, const HubOptions& hub) {
  if (spec.starts_with(tensors::kSyntheticPrefix)) return {spec, std::nullopt};
  if (checkpoint::is_packed(spec)) {
    checkpoint::check_packed(spec);
    return {spec, std::nullopt};
  }
  std::error_code error;
  const bool here = std::filesystem::status(spec, error).type() != std::filesystem::file_type::not_found;
  return here ? synthesizer::source_here(spec) : synthesizer::source_on_hub(spec, hub);
}

}  // namespace contentvec
