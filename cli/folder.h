#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

namespace contentvec::cli {

/// How a name ends, in lower case: ".wav", or "".
std::string ending_of(const std::filesystem::path& path);

/// Whether there is a directory at a path.
bool is_a_directory(const std::filesystem::path& path);

/// Makes a directory, and those around it, where they are missing. Throws Error naming it when that cannot
/// be.
void make_folder(const std::filesystem::path& folder);

/// The same for the directory that a file is to be in: before the work whose result it is.
void make_folder_of(const std::filesystem::path& file);

/// macOS leaves "._speech.wav" beside "speech.wav".
bool is_hidden(const std::filesystem::path& path);

/// Whether a file is audio, by the end of its name, in upper or lower case.
bool has_audio_name(const std::filesystem::path& path);

/// The endings has_audio_name knows: ".wav .flac ...".
std::string audio_names();

/// What a directory holds and nobody takes, for a word about it: how much of each kind, and an example.
class LeftOut {
 public:
  /// One entry, whose kind is found out: a file of another name, a link that leads nowhere, a device ...
  void add(const std::filesystem::directory_entry& entry);
  void add(const std::string& kind, const std::string& example);
  [[nodiscard]] bool empty() const { return kinds_.empty(); }
  [[nodiscard]] bool has(const std::string& kind) const { return kinds_.contains(kind); }
  /// ".m4a (3, such as x.m4a), broken links (1, such as y.wav)"; of many kinds the most frequent.
  [[nodiscard]] std::string text() const;

  static constexpr const char* kDirectories = "directories";

 private:
  struct Kind {
    size_t count = 0;
    std::string example;
  };
  std::map<std::string, Kind> kinds_;
};

}  // namespace contentvec::cli
