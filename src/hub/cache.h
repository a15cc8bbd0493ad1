#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace contentvec::hub {

/// One repository in huggingface_hub's cache:
///   models--org--repo/blobs/ETAG               the bytes of a file
///   models--org--repo/snapshots/COMMIT/FILE    a link to its blob
///   models--org--repo/refs/REVISION            the commit a branch or tag stood for last
///   models--org--repo/.no_exist/COMMIT/FILE    the commit is known to have no such file
///   .locks/models--org--repo/ETAG.lock         held (flock) while the blob is downloaded
/// Names given to it have passed the checks of name.h. It makes folders as they are needed; reading needs no
/// right to write. The whole cache, a repository or its blobs may be links to another disk; a link in the
/// place of any other folder is not followed by what is written.
class CachedRepo {
 public:
  CachedRepo(const std::filesystem::path& cache, const std::string& repo);

  /// The commit that `revision` stood for last; a whole commit id is itself. Nothing where it is not known.
  [[nodiscard]] std::optional<std::string> commit_of(const std::string& revision) const;
  /// Where a file of a commit is; nothing where it is not in the cache. Throws Error for a link that leads
  /// out of the repository's folder.
  [[nodiscard]] std::optional<std::filesystem::path> find(const std::string& commit,
                                                          const std::string& file) const;
  /// Names of a commit's files, those in folders too.
  [[nodiscard]] std::vector<std::string> files(const std::string& commit) const;
  [[nodiscard]] bool known_absent(const std::string& commit, const std::string& file) const;

  [[nodiscard]] std::filesystem::path blob(const std::string& etag) const;
  [[nodiscard]] std::filesystem::path lock(const std::string& etag) const;

  /// Before a blob is fetched: makes its folder and that of its lock, and throws Error where something is in
  /// the way of it or of its name in the commit.
  void make_room_for(const std::string& commit, const std::string& file, const std::string& etag) const;
  /// Gives a blob its name in a commit, and returns where that is. Throws Error.
  std::filesystem::path link(const std::string& commit, const std::string& file,
                             const std::string& etag) const;
  /// What is worth knowing next time. A cache that cannot be written to is no reason to fail.
  void remember_commit(const std::string& revision, const std::string& commit) const noexcept;
  void remember_absent(const std::string& commit, const std::string& file) const noexcept;

 private:
  void check_stays_inside(const std::filesystem::path& path) const;
  [[nodiscard]] std::filesystem::path pointer(const std::string& commit, const std::string& file) const;

  std::filesystem::path cache_;
  std::filesystem::path folder_;
  std::filesystem::path locks_;
};

}  // namespace contentvec::hub
