#include "hub/repository.h"

#include <utility>

#include "hub/download.h"
#include "runtime/fail.h"

namespace contentvec::hub {
namespace {

namespace fs = std::filesystem;

/// What the name says and what the caller says, which may not differ.
std::string revision_of(const Name& name, const HubOptions& options) {
  if (!options.revision.empty()) check_revision(options.revision);
  if (!name.revision.empty() && !options.revision.empty() && name.revision != options.revision)
    fail("two revisions are given, \"{}\" and \"{}\"; leave one of them out", name.revision,
         options.revision);
  if (!options.revision.empty()) return options.revision;
  return name.revision.empty() ? "main" : name.revision;
}

}  // namespace

Repository::Repository(Name name, const HubOptions& options)
    : name_(std::move(name)),
      settings_(settle(options)),
      progress_(options.progress),
      client_(settings_),
      cache_(settings_.cache, name_.repo) {
  name_.revision = revision_of(name_, options);
  if (!online() || is_commit(name_.revision)) commit_ = cache_.commit_of(name_.revision);
}

fs::path Repository::get(const std::string& file) {
  if (const std::optional<fs::path> path = find(file)) return *path;
  if (!online()) fail_offline(file);
  fail("{}/{} has no file \"{}\" at revision {}; see {}/{}/tree/{}", settings_.endpoint, name_.repo, file,
       name_.revision, settings_.endpoint, name_.repo, name_.revision);
}

std::optional<fs::path> Repository::find(const std::string& file) {
  check_file(file);
  if (std::optional<fs::path> path = in_cache(file)) return path;
  if (!online() || (commit_ && cache_.known_absent(*commit_, file))) return std::nullopt;
  std::optional<RemoteFile> remote;
  try {
    remote = describe(file);
  } catch (const Unreachable& error) {
    make_do_with_the_cache(error);
    return in_cache(file);
  }
  if (!remote) return std::nullopt;
  settle_commit(remote->commit);
  if (std::optional<fs::path> path = in_cache(file)) return path;
  download_blob(client_, cache_, name_.repo, file, *remote, progress_);
  return cache_.link(*commit_, file, remote->etag);
}

std::vector<std::string> Repository::files(
    const std::function<bool(const std::vector<std::string>&)>& enough) {
  if (commit_) {
    std::vector<std::string> cached = cache_.files(*commit_);
    if (!online() || enough(cached)) return cached;
  }
  if (!online()) fail_offline("a file");
  try {
    Listing listing = client_.list(name_.repo, name_.revision, [this] {
      if (progress_) progress_({.repo = name_.repo});
    });
    settle_commit(listing.commit);
    return std::move(listing.files);
  } catch (const Unreachable& error) {
    make_do_with_the_cache(error);
    return cache_.files(*commit_);
  }
}

void Repository::remember() const {
  if (online() && commit_) cache_.remember_commit(name_.revision, *commit_);
}

std::optional<fs::path> Repository::in_cache(const std::string& file) const {
  return commit_ ? cache_.find(*commit_, file) : std::nullopt;
}

std::optional<RemoteFile> Repository::describe(const std::string& file) {
  std::string commit;
  std::optional<RemoteFile> remote =
      client_.describe(name_.repo, commit_.value_or(name_.revision), file, commit, [&] {
        if (progress_) progress_({.repo = name_.repo, .file = file});
      });
  if (!remote && !commit.empty()) settle_commit(commit);
  if (!remote && commit_) cache_.remember_absent(*commit_, file);
  return remote;
}

void Repository::settle_commit(const std::string& commit) {
  if (commit_ && *commit_ != commit)
    fail("the hub was asked for commit {} of {} and answers with {}; is HF_ENDPOINT a Hugging Face hub?",
         *commit_, name_.repo, commit);
  commit_ = commit;
  answered_ = true;
}

/// Only before the hub has answered: later its files and those of the cache may belong to different commits.
void Repository::make_do_with_the_cache(const Unreachable& error) {
  if (answered_) throw error;
  if (!commit_) commit_ = cache_.commit_of(name_.revision);
  if (!commit_)
    throw Unreachable(
        fmt::format("{}. The cache {} does not have it either; a file on this machine can be named instead",
                    error.what(), settings_.cache.string()));
  settings_.offline = error.what();
  warnings_.push_back(
      fmt::format("the hub could not be asked about {} ({}); using what the cache has, commit {}", name_.repo,
                  error.what(), *commit_));
}

void Repository::fail_offline(const std::string& what) const {
  fail(
      "the cache {} has no {} of {} at revision {}, and it cannot be downloaded: {}. Download it once with a "
      "network, or name a file on this machine",
      settings_.cache.string(), what, name_.repo, name_.revision, settings_.offline);
}

}  // namespace contentvec::hub
