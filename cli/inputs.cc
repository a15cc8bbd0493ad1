#include "cli/inputs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 11> kAudio = {".wav",  ".flac", ".ogg",  ".opus", ".mp3", ".aif",
                                                     ".aiff", ".w64",  ".rf64", ".au",   ".caf"};

/// macOS leaves "._speech.wav" beside "speech.wav".
bool is_hidden(const fs::path& path) {
  return path.filename().string().front() == '.';
}

bool looks_like_audio(const fs::directory_entry& entry) {
  std::string extension = entry.path().extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::error_code ignored;
  return entry.is_regular_file(ignored) && std::find(kAudio.begin(), kAudio.end(), extension) != kAudio.end();
}

/// Appends what is in `directory`; `folder` is where it stands below the directory the user named. A
/// directory behind a symbolic link is not gone into: it may lead back here.
void search(const fs::path& directory, const fs::path& folder, bool recursive, std::vector<Found>& found) {
  std::error_code error;
  std::error_code ignored;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (is_hidden(at->path())) continue;
    if (looks_like_audio(*at)) {
      found.push_back({at->path().string(), folder, {}});
    } else if (recursive && at->is_directory(ignored) && !at->is_symlink(ignored)) {
      search(at->path(), folder / at->path().filename(), recursive, found);
    }
  }
  if (error) found.push_back({directory.string(), {}, "cannot list this directory: " + error.message()});
}

std::vector<Found> in_directory(const std::string& directory, bool recursive) {
  std::vector<Found> found;
  search(directory, {}, recursive, found);
  if (found.empty()) {
    return {{directory, {}, fmt::format("no audio files in this directory ({})", fmt::join(kAudio, " "))}};
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
  return found;
}

std::vector<Found> at_path(const std::string& path, bool recursive) {
  return is_a_directory(path) ? in_directory(path, recursive) : std::vector<Found>{{path, {}, {}}};
}

void append(std::vector<Found>& all, const std::vector<Found>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

std::vector<Found> in_list(const std::string& list, bool recursive) {
  std::vector<Found> found;
  std::ifstream in(list, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty() && line.front() != '#') append(found, at_path(line, recursive));
  }
  // Reading stops at the end, or where it fails.
  if (!in.eof()) {
    found.push_back({list, {}, "cannot read this list: " + std::generic_category().message(errno)});
  }
  if (found.empty()) found.push_back({list, {}, "no paths in this list; it has one on each line"});
  return found;
}

}  // namespace

bool is_a_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_list(const std::string& input) {
  const fs::path extension = fs::path(input).extension();
  return (extension == ".txt" || extension == ".list") && !is_a_directory(input);
}

std::vector<Found> find_inputs(std::span<const std::string> inputs, bool recursive) {
  std::vector<Found> found;
  for (const std::string& input : inputs) {
    append(found, is_list(input) ? in_list(input, recursive) : at_path(input, recursive));
  }
  return found;
}

}  // namespace contentvec::cli
