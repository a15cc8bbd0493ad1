#include "cli/folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "cli/fail.h"
#include "contentvec/audio.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostKinds = 6;

std::string kind_of(const fs::directory_entry& entry) {
  std::error_code ignored;
  const bool is_link = entry.is_symlink(ignored);
  if (is_link && !entry.exists(ignored)) return "broken links";
  if (entry.is_directory(ignored)) return is_link ? "links to directories" : LeftOut::kDirectories;
  if (!entry.is_regular_file(ignored)) return "pipes or devices";
  const std::string ending = ending_of(entry.path());
  return ending.empty() ? "names without an ending" : ending;
}

}  // namespace

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return ending;
}

bool is_a_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail("cannot make the folder '{}': {}; check the path and that you may write there", folder.string(),
         error.message());
  }
}

void make_folder_of(const fs::path& file) {
  if (file.has_parent_path()) make_folder(file.parent_path());
}

bool is_hidden(const fs::path& path) {
  return path.filename().native().starts_with('.');
}

bool has_audio_name(const fs::path& path) {
  const auto endings = audio_extensions();
  return std::find(endings.begin(), endings.end(), ending_of(path)) != endings.end();
}

std::string audio_names() {
  return fmt::format("{}", fmt::join(audio_extensions(), " "));
}

void LeftOut::add(const fs::directory_entry& entry) {
  add(kind_of(entry), entry.path().filename().string());
}

void LeftOut::add(const std::string& kind, const std::string& example) {
  Kind& entry = kinds_[kind];
  if (entry.count++ == 0 || example < entry.example) entry.example = example;
}

std::string LeftOut::text() const {
  std::vector<std::pair<std::string, Kind>> kinds(kinds_.begin(), kinds_.end());
  std::sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) {
    return a.second.count != b.second.count ? a.second.count > b.second.count : a.first < b.first;
  });
  std::string text;
  for (size_t i = 0; i < kinds.size() && i < kMostKinds; ++i) {
    const auto& [name, kind] = kinds[i];
    text += fmt::format("{}{} ({}, such as {})", i > 0 ? ", " : "", name, kind.count, kind.example);
  }
  if (kinds.size() > kMostKinds) text += fmt::format(", and {} more kinds", kinds.size() - kMostKinds);
  return text;
}

}  // namespace contentvec::cli
