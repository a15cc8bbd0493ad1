#include "hub/cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <span>

#include "hub/client.h"
#include "hub/partial_file.h"
#include "output/atomic_file.h"
#include "runtime/fail.h"

namespace contentvec::hub {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::string folder_name(const std::string& repo) {
  const size_t slash = repo.find('/');
  return fmt::format("models--{}--{}", repo.substr(0, slash), repo.substr(slash + 1));
}

/// mkdir -p.
void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    fail("cannot make the folder {} in the model cache: {}; set HF_HUB_CACHE to a folder you may write to",
         folder.string(), error.message());
}

/// A link in the place of a folder from `base` down to the one of `path` would lead what is written there
/// elsewhere, out of the cache.
void check_folders_below(const fs::path& base, const fs::path& path) {
  fs::path folder = base;
  for (const fs::path& name : path.parent_path().lexically_relative(base)) {
    folder /= name;
    std::error_code error;
    if (fs::is_symlink(fs::symlink_status(folder, error)))
      fail("{} in the model cache is a link in the place of a folder; remove it", folder.string());
  }
}

void make_folders_below(const fs::path& base, const fs::path& path) {
  check_folders_below(base, path);
  make_folders(path.parent_path());
}

void check_is_no_folder(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(fs::symlink_status(path, ignored)))
    fail("{} in the model cache is a folder in the place of a file; remove it", path.string());
}

}  // namespace

CachedRepo::CachedRepo(const fs::path& cache, const std::string& repo)
    : cache_(cache), folder_(cache / folder_name(repo)), locks_(cache / ".locks" / folder_name(repo)) {}

fs::path CachedRepo::pointer(const std::string& commit, const std::string& file) const {
  return folder_ / "snapshots" / commit / file;
}

fs::path CachedRepo::blob(const std::string& etag) const {
  return folder_ / "blobs" / etag;
}

fs::path CachedRepo::lock(const std::string& etag) const {
  return locks_ / (etag + ".lock");
}

std::optional<std::string> CachedRepo::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  constexpr size_t kCommitLength = 40;
  std::optional<std::string> commit = beginning_of(folder_ / "refs" / revision, kCommitLength);
  if (!commit || !is_commit(*commit)) return std::nullopt;  // not there, or damaged: it is asked for anew
  return commit;
}

/// Snapshots are links to blobs. Whoever keeps the whole cache, or its blobs, on another disk by a link of
/// the folder may do so.
void CachedRepo::check_stays_inside(const fs::path& path) const {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) fail("cannot follow {} in the model cache: {}; remove it", path.string(), error.message());
  for (const fs::path& home : {folder_, folder_ / "blobs"}) {
    const fs::path real_home = fs::canonical(home, error);
    if (!error &&
        std::mismatch(real_home.begin(), real_home.end(), real.begin(), real.end()).first == real_home.end())
      return;
  }
  fail(
      "{} in the model cache leads to {}, out of the folder of its repository; remove it, and it is "
      "downloaded again",
      path.string(), real.string());
}

std::optional<fs::path> CachedRepo::find(const std::string& commit, const std::string& file) const {
  fs::path path = pointer(commit, file);
  if (!is_file(path)) return std::nullopt;
  check_stays_inside(path);
  return path;
}

std::vector<std::string> CachedRepo::files(const std::string& commit) const {
  std::vector<std::string> names;
  std::error_code error;
  const fs::path snapshot = folder_ / "snapshots" / commit;
  for (fs::recursive_directory_iterator at(snapshot, error), end; !error && at != end; at.increment(error)) {
    if (is_file(at->path())) names.push_back(at->path().lexically_relative(snapshot).string());
  }
  return names;
}

bool CachedRepo::known_absent(const std::string& commit, const std::string& file) const {
  return is_file(folder_ / ".no_exist" / commit / file);
}

void CachedRepo::make_room_for(const std::string& commit, const std::string& file,
                               const std::string& etag) const {
  check_folders_below(folder_, pointer(commit, file));
  check_is_no_folder(pointer(commit, file));
  check_is_no_folder(blob(etag));
  make_folders(blob(etag).parent_path());
  make_folders_below(cache_, lock(etag));
}

/// Relative, so that the cache can be moved. On a file system without links the blob itself takes the name,
/// as huggingface_hub does it too.
fs::path CachedRepo::link(const std::string& commit, const std::string& file, const std::string& etag) const {
  fs::path path = pointer(commit, file);
  make_folders_below(folder_, path);
  if (is_file(path)) return path;
  // A link of another name takes its place at once: somebody else may be making or reading it just now.
  static std::atomic<int> made = 0;
  const fs::path target = blob(etag).lexically_relative(path.parent_path());
  fs::path own;
  std::error_code error;
  do {
    own = path.string() + fmt::format(".{}-{}", getpid(), ++made);
    fs::create_symlink(target, own, error);
  } while (error == std::errc::file_exists);  // a killed process of this number left it
  const bool has_links = error != std::errc::operation_not_permitted && error != std::errc::not_supported &&
                         error != std::errc::operation_not_supported &&
                         error != std::errc::function_not_supported;
  if (!error || !has_links) fs::rename(error ? blob(etag) : own, path, error);
  std::error_code ignored;
  if (error && has_links) fs::remove(own, ignored);
  if (!is_file(path))
    fail("cannot make {} in the model cache: {}", path.string(),
         error ? error.message() : "its blob is missing");
  return path;
}

void CachedRepo::remember_commit(const std::string& revision, const std::string& commit) const noexcept try {
  if (revision == commit || commit_of(revision) == commit) return;
  const fs::path path = folder_ / "refs" / revision;
  make_folders_below(folder_, path);
  ::close(open_own_file(path, O_RDWR));  // AtomicFile follows links, and writes into pipes
  output::AtomicFile file(path);
  file.write(std::as_bytes(std::span(commit)));
  file.commit();
} catch (const std::exception&) {
  return;
}

void CachedRepo::remember_absent(const std::string& commit, const std::string& file) const noexcept try {
  const fs::path path = folder_ / ".no_exist" / commit / file;
  make_folders_below(folder_, path);
  ::close(open_own_file(path, O_WRONLY));
} catch (const std::exception&) {
  return;
}

}  // namespace contentvec::hub
