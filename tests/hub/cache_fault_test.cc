// A cache in which something is not as it should be: what others put there is neither followed nor lost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "hub/faults.h"
#include "hub/partial_file.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class CacheFaultTest : public FaultTest {};

TEST_F(CacheFaultTest, ACacheThatCannotBeWritten) {
  write_file(hub_.cache(), std::string("a file where a folder should be"));
  EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }),
              AllOf(HasSubstr("HF_HUB_CACHE"), HasSubstr("folder")));
}

TEST_F(CacheFaultTest, ALinkThatAKilledProcessLeftIsNoMatter) {
  const fs::path path = download(kRepo, "model.pt").path;
  for (int i = 0; i < 1000; ++i)
    fs::create_symlink("nowhere", path.string() + "." + std::to_string(getpid()) + "-" + std::to_string(i));
  fs::remove(path);
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), kContent);
  EXPECT_TRUE(fs::is_symlink(path));
}

/// Links and pipes that somebody put into the cache.
TEST_F(CacheFaultTest, PlantedThingsAreReplacedAndNotFollowed) {
  const std::string digest = [&] {
    const fs::path blob = fs::read_symlink(download(kRepo, "model.pt").path).filename();
    return blob.string();
  }();
  const TemporaryFolder outside;
  const fs::path victim = outside / "victim";
  const fs::path repo = hub_.cached(kRepo);
  const fs::path blob = repo / "blobs" / digest;
  const std::vector<fs::path> places = {blob, blob.string() + ".incomplete", repo / "refs/main",
                                        repo / ".no_exist" / kCommit / "config.json",
                                        hub_.cache() / ".locks/models--org--repo" / (digest + ".lock")};
  for (const char* kind : {"link", "hard link", "dangling", "pipe", "loop"}) {
    for (const fs::path& place : places) {
      write_file(victim, std::string("precious"));
      fs::remove_all(repo / "snapshots");
      fs::remove(place);
      if (place != blob) fs::remove(blob);
      const std::string what = kind;
      if (what == "link") fs::create_symlink(victim, place);
      if (what == "hard link") fs::create_hard_link(victim, place);
      if (what == "dangling") fs::create_symlink(outside / "made", place);
      if (what == "pipe") mkfifo(place.c_str(), 0600);
      if (what == "loop") fs::create_symlink(place.filename(), place);
      if (what == "hard link" && place == blob) continue;  // of another size, or a blob
      EXPECT_EQ(text_of(download(kRepo, "model.pt").path), kContent) << kind << place;
      EXPECT_EQ(text_of(victim), "precious") << kind << place;
      EXPECT_FALSE(fs::exists(outside / "made")) << kind << place;
    }
  }
}

/// What lies in a folder: each file's name and content.
std::map<std::string, std::string> everything_in(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    found[entry.path().string()] = entry.is_regular_file() ? text_of(entry.path()) : "";
  return found;
}

/// Links in the place of the cache's folders, to a folder with files of the same names.
TEST_F(CacheFaultTest, NothingIsWrittenThroughPlantedFolders) {
  const std::string deep = "sub/deep/model.pt";
  hub_.publish(kRepo, deep, kContent);
  const fs::path repo = hub_.cached(kRepo);
  const fs::path snapshot = repo / "snapshots" / kCommit;
  const fs::path absent = repo / ".no_exist" / kCommit;
  const std::vector<fs::path> places = {repo / "refs",           repo / "refs/feature",
                                        repo / ".no_exist",      absent,
                                        absent / "sub",          absent / "sub/deep",
                                        repo / "snapshots",      snapshot,
                                        snapshot / "sub",        snapshot / "sub/deep",
                                        hub_.cache() / ".locks", hub_.cache() / ".locks/models--org--repo"};
  for (const fs::path& place : places) {
    const TemporaryFolder outside;
    for (const char* name : {"main", "one", "model.pt", "config.json"})
      write_file(outside / name, std::string("precious"));
    const auto before = everything_in(outside.path());
    fs::remove_all(hub_.cache());
    fs::create_directories(place.parent_path());
    fs::create_directory_symlink(outside.path(), place);
    const int fetched = hub_.count("GET", "cdn");
    try {
      const ResolvedModel model = download(kRepo, deep, {.revision = "feature/one"});
      EXPECT_EQ(text_of(model.path), kContent) << place;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("in the model cache"));
      EXPECT_THAT(error.what(), HasSubstr("remove it"));
      EXPECT_EQ(hub_.count("GET", "cdn"), fetched) << place;
    }
    EXPECT_EQ(everything_in(outside.path()), before) << place;
  }
}

/// A folder in the place of a file is noticed before anything is fetched for it.
TEST_F(CacheFaultTest, AFolderInThePlaceOfAFileIsNamed) {
  const fs::path path = download(kRepo, "model.pt").path;
  const fs::path blob = hub_.cached(kRepo) / "blobs" / fs::read_symlink(path).filename();
  const int fetched = hub_.count("GET", "cdn");
  for (const fs::path& place : {blob, path}) {
    fs::remove_all(path);
    fs::remove_all(blob);
    fs::create_directories(place / "full");
    EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }),
                AllOf(HasSubstr(place.string()), HasSubstr("a folder in the place of a file"),
                      HasSubstr("remove it")));
  }
  EXPECT_EQ(hub_.count("GET", "cdn"), fetched);
}

TEST_F(CacheFaultTest, BlobsMayLieOnAnotherDisk) {
  const TemporaryFolder outside;
  fs::create_directories(hub_.cached(kRepo));
  fs::create_directory_symlink(outside.path(), hub_.cached(kRepo) / "blobs");
  EXPECT_EQ(text_of(download(kRepo, "model.pt").path), kContent);
  EXPECT_FALSE(fs::is_empty(outside.path()));
}

TEST_F(CacheFaultTest, ASnapshotThatLeadsOutOfTheCacheIsRefused) {
  const fs::path path = download(kRepo, "model.pt").path;
  const TemporaryFolder outside;
  write_file(outside / "other", std::string("other"));
  fs::remove(path);
  fs::create_symlink(outside / "other", path);
  EXPECT_THAT(error_of([] { download(kRepo, "model.pt"); }),
              AllOf(HasSubstr(path.string()), HasSubstr("remove it")));
  fs::remove(path);
  expect_to_work();
  // The whole cache on another disk is the user's own doing.
  fs::rename(hub_.cache(), outside / "cache");
  fs::create_directory_symlink(outside / "cache", hub_.cache());
  expect_to_work();
}

TEST(FileLock, GoesOnWhereThereAreNoLocks) {
  const TemporaryFolder folder;
  for (const int error : {ENOLCK, ENOSYS, EOPNOTSUPP}) {
    int waited = 0;
    const hub::FileLock held(
        folder / "x.lock", [&] { ++waited; },
        [&](int, int) {
          errno = error;
          return -1;
        });
    EXPECT_EQ(waited, 0);
  }
  EXPECT_THAT(error_of([&] {
                const hub::FileLock held(
                    folder / "x.lock", [] {},
                    [](int, int) {
                      errno = EIO;
                      return -1;
                    });
              }),
              HasSubstr("cannot lock"));
}

}  // namespace
}  // namespace contentvec::test
