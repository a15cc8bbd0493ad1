#include "cli/voices.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"
#include "cli/folder.h"
#include "cli/voice_info.h"
#include "contentvec/error.h"
#include "contentvec/voice.h"

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
  const std::string stem = "_" + index.stem().string() + "_";
  return stem.find("_" + experiment + "_") != std::string::npos ||
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
  text = on_one_line(text.substr(0, text.find('\n')));
  return text.size() > kLongest ? text.substr(0, text.find(' ', kLongest - 20)) + " ..." : text;
}

/// One of the files: a voice, or why it is none.
struct Row {
  fs::path path;
  std::optional<VoiceInfo> info;
  std::optional<std::string> index;
  std::string why;
};

/// The voices first, then the others.
std::vector<Row> rows_of(const Found& found) {
  std::vector<Row> rows;
  std::vector<Row> others;
  std::map<fs::path, int> voices;  // in each folder
  for (const fs::path& path : found.files) {
    Row row = {path, std::nullopt, std::nullopt, ""};
    try {
      const VoiceSource source = find_voice(path.string());
      row.info = inspect_voice(source.voice);
      row.index = source.index;
      ++voices[path.parent_path()];
      rows.push_back(std::move(row));
    } catch (const Error& error) {
      row.why = in_brief(error.what(), path.string());
      others.push_back(std::move(row));
    }
  }
  for (Row& row : rows)
    if (!row.index) row.index = index_of(row.path, found.indexes, voices[row.path.parent_path()] == 1);
  std::move(others.begin(), others.end(), std::back_inserter(rows));
  return rows;
}

std::string as_json(const Row& row) {
  nlohmann::ordered_json json;
  if (row.info)
    json = describe_voice(*row.info, row.index).json;
  else
    json["kind"] = nullptr;
  set_path(json, "path", row.path.string());
  if (!row.info) json["why"] = row.why;
  return json_line(json);
}

std::string as_text(const Row& row, const fs::path& folder) {
  const std::string name = shown(row.path.lexically_relative(folder).string());
  if (!row.info) return fmt::format("{:<40} no voice: {}", name, row.why);
  const std::string index =
      row.index ? shown(fs::path(*row.index).lexically_relative(folder).string()) : "no index";
  const std::string speakers =
      row.info->speakers == 1 ? "1 speaker" : fmt::format("{} speakers", row.info->speakers);
  return fmt::format("{:<40} {} {:>5g} kHz  {:<8}  {:<12}  {}", name, row.info->version,
                     row.info->sample_rate / 1000.0, row.info->pitch ? "pitch" : "no pitch", speakers, index);
}

int run(const std::string& folder, bool json) {
  if (!is_a_directory(folder)) throw UsageError(fmt::format("there is no folder \"{}\"", folder));
  const Found found = look_below(folder);
  const std::vector<Row> rows = rows_of(found);
  for (const Row& row : rows) {
    if (!print_line(json ? as_json(row) : as_text(row, folder)))
      throw Error("cannot write to standard output");
  }
  const bool any = std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.info.has_value(); });
  for (const std::string& problem : found.problems) error_line(problem);
  if (!found.problems.empty()) return kFailed;
  if (!any) note_line(fmt::format("there are no voices in {} (.pth, .safetensors, .zip)", folder));
  return kDone;
}

}  // namespace

Command add_voices(CLI::App& app) {
  CLI::App* parser = app.add_subcommand(
      "voices",
      "List the voices below a folder, each with its index; and files that are none, with the reason");
  const auto folder = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  parser->add_option("DIR", *folder, "The folder, which is searched with those in it")
      ->required()
      ->option_text(" ");
  parser->add_flag("--json", *json, "Print one line of JSON per file");
  return {parser, [folder, json] { return run(*folder, *json); }};
}

}  // namespace contentvec::cli
