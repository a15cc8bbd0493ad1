// Where Python keeps an installed package, found without running Python.

#include "f0/torchfcpe.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/pitch.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;

/// Folders to look in, the first first; each may not exist.
using Folders = std::vector<fs::path>;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The parts of a variable like PATH; an empty one means the current folder there, and is left out here.
Folders parts_of(std::string_view list) {
  Folders parts;
  while (!list.empty()) {
    const size_t end = std::min(list.find(':'), list.size());
    if (end > 0) parts.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

/// 11 of "python3.11", 0 of "python3", -1 of other names.
int minor_version(std::string_view name) {
  constexpr std::string_view kPython3 = "python3";
  if (!name.starts_with(kPython3)) return -1;
  name.remove_prefix(kPython3.size());
  if (name.empty()) return 0;
  int version = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), version);
  return name.front() == '.' && error == std::errc() && end == name.data() + name.size() ? version : -1;
}

/// The folders of packages in `lib` of a Python's prefix, the newest Python's first.
void add_packages(Folders& folders, const fs::path& lib) {
  std::vector<std::pair<int, fs::path>> pythons;
  std::error_code error;
  for (fs::directory_iterator at(lib, error), end; !error && at != end; at.increment(error)) {
    const int version = minor_version(at->path().filename().string());
    if (version >= 0) pythons.emplace_back(version, at->path());
  }
  std::sort(pythons.rbegin(), pythons.rend());
  for (const auto& python : pythons) {
    folders.push_back(python.second / "site-packages");
    folders.push_back(python.second / "dist-packages");  // Debian's name
  }
}

void add_prefix(Folders& folders, const fs::path& prefix) {
  if (prefix.empty()) return;
  add_packages(folders, prefix / "lib");
  add_packages(folders, prefix / "local/lib");
}

/// The prefixes of what is run as python3: as it is on the PATH, which in a virtual environment is a link there, and
/// where that leads.
void add_python_on_path(Folders& folders) {
  for (const fs::path& folder : parts_of(environment("PATH"))) {
    std::error_code error;
    const fs::path python = folder / "python3";
    if (!fs::is_regular_file(python, error)) continue;
    add_prefix(folders, folder.parent_path());
    add_prefix(folders, fs::canonical(python, error).parent_path().parent_path());
    return;
  }
}

Folders folders_of_packages() {
  Folders folders = parts_of(environment("PYTHONPATH"));
  add_prefix(folders, environment("VIRTUAL_ENV"));
  add_prefix(folders, environment("CONDA_PREFIX"));
  add_python_on_path(folders);
  if (const fs::path home = environment("HOME"); !home.empty()) add_packages(folders, home / ".local/lib");
  add_prefix(folders, "/usr/local");
  add_prefix(folders, "/usr");
  return folders;
}

}  // namespace

std::optional<fs::path> find_fcpe() {
  for (const fs::path& folder : folders_of_packages()) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / f0::kFcpeInPackage, ignored)) return folder / "torchfcpe";
  }
  return std::nullopt;
}

}  // namespace contentvec
