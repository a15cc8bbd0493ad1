#include "cli/voice_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "cli/folder.h"
#include "cli/voice_info.h"
#include "contentvec/error.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

/// What may be a voice, and indexes, below a folder.
struct Found {
  Paths files, indexes;
  std::vector<std::string> problems;  ///< folders that could not be listed
};

void add_file(const fs::path& path, Found& found) {
  const std::string ending = ending_of(path);
  if (ending == ".pth" || ending == ".pt" || ending == ".safetensors" || ending == ".zip")
    found.files.push_back(path);
  if (ending == ".index" && !path.filename().string().starts_with("trained_")) found.indexes.push_back(path);
}

/// A folder behind a symbolic link is not gone into: it may lead back here.
void search(const fs::path& folder, Found& found) {
  std::error_code error;
  std::error_code ignored;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (is_hidden(at->path())) continue;
    if (at->is_regular_file(ignored)) {
      add_file(at->path(), found);
    } else if (at->is_directory(ignored) && !at->is_symlink(ignored)) {
      search(at->path(), found);
    }
  }
  if (error) found.problems.push_back(fmt::format("cannot list {}: {}", folder.string(), error.message()));
}

Found look_below(const fs::path& folder) {
  Found found;
  search(folder, found);
  std::sort(found.files.begin(), found.files.end());
  std::sort(found.indexes.begin(), found.indexes.end());
  return found;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The experiment a voice is of: RVC saves NAME.pth, and NAME_e20_s1000.pth on the way.
std::string experiment_of(const fs::path& voice) {
  std::string stem = voice.stem().string();
  const size_t steps = stem.rfind("_s");
  const size_t epochs = steps == std::string::npos ? steps : stem.rfind("_e", steps);
  if (epochs == std::string::npos || epochs == 0) return stem;
  const std::string_view text = stem;
  const bool numbered =
      is_number(text.substr(epochs + 2, steps - epochs - 2)) && is_number(text.substr(steps + 2));
  return numbered ? stem.substr(0, epochs) : stem;
}

/// Whether an index is of an experiment: RVC names it added_IVF9_Flat_nprobe_1_NAME_v2.index, in logs/NAME.
bool is_of(const fs::path& index, const std::string& experiment) {
  const std::string stem = fmt::format("_{}_", index.stem().string());
  return stem.find(fmt::format("_{}_", experiment)) != std::string::npos ||
         index.parent_path().filename().string() == experiment;
}

/// The index of a voice: the one named after it, or the one beside it where it is `alone` in its folder.
std::optional<std::string> index_of(const fs::path& voice, const Paths& indexes, bool alone) {
  const std::string experiment = experiment_of(voice);
  Paths named, beside;
  for (const fs::path& index : indexes) {
    if (is_of(index, experiment)) named.push_back(index);
    if (index.parent_path() == voice.parent_path()) beside.push_back(index);
  }
  if (named.size() == 1) return named.front().string();
  return beside.size() == 1 && alone ? std::optional(beside.front().string()) : std::nullopt;
}

/// An error's first line, without the file's name, for a list.
std::string in_brief(std::string text, const std::string& path) {
  constexpr size_t kLongest = 160;
  for (const std::string& beginning : {"cannot open checkpoint " + path + ": ", path + ": "})
    if (text.starts_with(beginning)) text = text.substr(beginning.size());
  text = on_one_line(with_rate_option(text.substr(0, text.find('\n')), "--voice-rate"));
  return text.size() > kLongest ? text.substr(0, text.find(' ', kLongest - 20)) + " ..." : text;
}

/// A rate would be a mistake for a voice that says another: it is for those that say none.
VoiceInfo inspect_listed(const std::string& voice, std::optional<int> rate) {
  if (!rate) return inspect_voice(voice);
  try {
    return inspect_voice(voice);
  } catch (const Error&) {
    return inspect_voice(voice, {.sample_rate = rate});
  }
}

/// The voices first, then the others.
std::vector<ListedVoice> rows_of(const Found& found, std::optional<int> rate) {
  std::vector<ListedVoice> rows;
  std::vector<ListedVoice> others;
  std::map<fs::path, int> voices;  // in each folder
  for (const fs::path& path : found.files) {
    ListedVoice row = {path, std::nullopt, std::nullopt, ""};
    try {
      const VoiceSource source = find_voice(path.string());
      row.info = inspect_listed(source.voice, rate);
      row.index = source.index;
      ++voices[path.parent_path()];
      rows.push_back(std::move(row));
    } catch (const Error& error) {
      row.why = in_brief(error.what(), path.string());
      others.push_back(std::move(row));
    }
  }
  for (ListedVoice& row : rows)
    if (!row.index) row.index = index_of(row.path, found.indexes, voices[row.path.parent_path()] == 1);
  std::move(others.begin(), others.end(), std::back_inserter(rows));
  return rows;
}

}  // namespace

VoiceList list_voices(const fs::path& folder, std::optional<int> rate) {
  Found found = look_below(folder);
  return {rows_of(found, rate), std::move(found.problems)};
}

}  // namespace contentvec::cli
