#include "cli/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "cli/folder.h"
#include "cli/lists.h"
#include "contentvec/error.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

/// Goes through a directory for the audio files in it.
class Search {
 public:
  Search(std::string directory, bool recursive) : directory_(std::move(directory)), recursive_(recursive) {}

  void append_to(Inputs& inputs) {
    search(directory_, {});
    if (found_.empty()) return inputs.found.push_back({directory_, {}, nothing_found()});
    std::sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
    std::move(found_.begin(), found_.end(), std::back_inserter(inputs.found));
    if (!left_out_.empty()) {
      inputs.notes.push_back(fmt::format("{}: left out: {}{}", directory_, left_out_.text(), advice()));
    }
  }

 private:
  /// `folder` is where `directory` stands below the one the user named. A directory behind a symbolic link
  /// is not gone into: it may lead back here.
  void search(const fs::path& directory, const fs::path& folder) {
    std::error_code error;
    std::error_code ignored;
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
      if (is_hidden(at->path())) continue;
      if (has_audio_name(at->path()) && at->is_regular_file(ignored)) {
        found_.push_back({at->path().string(), folder, {}});
      } else if (recursive_ && at->is_directory(ignored) && !at->is_symlink(ignored)) {
        search(at->path(), folder / at->path().filename());
      } else {
        left_out_.add(*at);
      }
    }
    if (error) found_.push_back({directory.string(), {}, "cannot list this directory: " + error.message()});
  }

  [[nodiscard]] std::string advice() const {
    return left_out_.has(LeftOut::kDirectories) ? "; --recursive searches the directories, too" : "";
  }

  [[nodiscard]] std::string nothing_found() const {
    std::string text = fmt::format("no audio files in this directory ({})", audio_names());
    if (!left_out_.empty()) text += fmt::format("; it has {}{}", left_out_.text(), advice());
    return text;
  }

  std::string directory_;
  bool recursive_;
  std::vector<Found> found_;
  LeftOut left_out_;
};

void append_path(Inputs& inputs, const std::string& path, bool recursive) {
  if (is_a_directory(path)) return Search(path, recursive).append_to(inputs);
  inputs.found.push_back({path, {}, {}});
}

void append_list(Inputs& inputs, const std::string& list, bool recursive) {
  try {
    const std::vector<std::string> lines = read_list(list);
    const std::string folder = fs::path(list).parent_path().string();
    for (const std::string& line : lines) append_path(inputs, path_in_line(line, folder), recursive);
    if (lines.empty()) inputs.found.push_back({list, {}, "no paths in this list; it has one on each line"});
  } catch (const Error& error) {
    inputs.found.push_back({list, {}, error.what()});
  }
}

}  // namespace

bool is_list(const std::string& input) {
  const std::string ending = ending_of(input);
  return (ending == ".txt" || ending == ".list") && !is_a_directory(input);
}

bool is_one_file(std::span<const std::string> inputs) {
  return inputs.size() == 1 && !is_a_directory(inputs.front()) && !is_list(inputs.front());
}

Inputs find_inputs(std::span<const std::string> inputs, bool recursive) {
  Inputs all;
  for (const std::string& input : inputs) {
    if (is_list(input)) {
      append_list(all, input, recursive);
    } else {
      append_path(all, input, recursive);
    }
  }
  return all;
}

}  // namespace contentvec::cli
