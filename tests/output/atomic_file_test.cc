#include "output/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mount.h>
#endif

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "child.h"
#include "contentvec/error.h"
#include "contentvec/unfinished_files.h"
#include "support.h"

namespace contentvec::output {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string text_of(const fs::path& path) {
  const auto bytes = test::read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write(AtomicFile& file, const std::string& text) {
  file.write(std::as_bytes(std::span(text)));
}

void write_whole(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  write(file, text);
  file.commit();
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return static_cast<mode_t>(status.st_mode & 0777);
}

TEST(AtomicFile, AppearsOnCommit) {
  TemporaryFolder folder;
  AtomicFile file(folder / "out");
  write(file, "one, ");
  write(file, "");
  write(file, "two");
  EXPECT_FALSE(fs::exists(folder / "out"));
  file.commit();
  EXPECT_EQ(text_of(folder / "out"), "one, two");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(AtomicFile, LeavesTheOldFileUntilCommit) {
  TemporaryFolder folder;
  test::write_file(folder / "out", std::string("old"));
  {
    AtomicFile file(folder / "out");
    write(file, "new");
    EXPECT_EQ(text_of(folder / "out"), "old");
  }
  EXPECT_EQ(text_of(folder / "out"), "old");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
  write_whole(folder / "out", "new");
  EXPECT_EQ(text_of(folder / "out"), "new");
}

TEST(AtomicFile, HasThePermissionsOfTheOldFileOrOfTheUmask) {
  TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_whole(folder / "new", "x");
  EXPECT_EQ(mode_of(folder / "new"), 0640u);
  ASSERT_EQ(::chmod((folder / "new").c_str(), 0604), 0);
  write_whole(folder / "new", "y");
  EXPECT_EQ(mode_of(folder / "new"), 0604u);
  ::umask(before);
}

TEST(AtomicFile, ReplacesTheFileBehindALink) {
  TemporaryFolder folder;
  fs::create_directory(folder / "there");
  test::write_file(folder / "there/file", std::string("old"));
  fs::create_symlink("there/file", folder / "link");
  write_whole(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(text_of(folder / "there/file"), "new");
  EXPECT_THAT(names_in(folder / "there"), ElementsAre("file"));
}

TEST(AtomicFile, TakesTheLongestName) {
  TemporaryFolder folder;
  write_whole(folder / std::string(255, 'n'), "x");
  EXPECT_EQ(text_of(folder / std::string(255, 'n')), "x");
  EXPECT_THAT(error_of([&] { AtomicFile file(folder / std::string(256, 'n')); }),
              HasSubstr("cannot write '"));
}

TEST(AtomicFile, SurvivesAChangeOfTheWorkingFolder) {
  TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  AtomicFile file("out");
  fs::current_path(before);
  write(file, "x");
  file.commit();
  EXPECT_EQ(text_of(folder / "out"), "x");
}

TEST(AtomicFile, SaysWhatIsWrongWithTheTarget) {
  TemporaryFolder folder;
  test::write_file(folder / "file", std::string("x"));
  const auto error_for = [](const fs::path& target) { return error_of([&] { AtomicFile file(target); }); };
  EXPECT_THAT(error_for(folder.path()), HasSubstr("it is a folder; name a file in it"));
  EXPECT_THAT(error_for(folder / "none/out"),
              AllOf(HasSubstr("there is no folder '"), HasSubstr("mkdir -p")));
  EXPECT_THAT(error_for(folder / "file/out"), HasSubstr("there is no folder '"));
  EXPECT_THAT(error_for(folder / "none/"), HasSubstr("expected the name of a file"));
  EXPECT_THAT(error_for(""), HasSubstr("cannot write ''"));
  EXPECT_THAT(names_in(folder.path()), ElementsAre("file"));
}

TEST(AtomicFile, SaysThatTheFolderMayNotBeWrittenTo) {
  TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  {
    test::WithoutPrivileges user;
    if (!user.effective()) GTEST_SKIP() << "cannot give up the super-user's rights here";
    EXPECT_THAT(error_of([&] { AtomicFile file(folder / "out"); }), HasSubstr("may not be written to"));
  }
  ::chmod(folder.path().c_str(), 0700);
}

TEST(AtomicFile, WritesStraightToADevice) {
  const test::WithoutPrivileges user;  // were this broken, it would replace the super-user's /dev/null
  if (!user.effective()) GTEST_SKIP() << "cannot give up the super-user's rights here";
  write_whole("/dev/null", "x");
  struct stat status {};
  ASSERT_EQ(::stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
#ifdef __linux__
  EXPECT_THAT(error_of([] { write_whole("/dev/full", "x"); }),
              HasSubstr("cannot write '/dev/full': No space left"));
#endif
}

TEST(AtomicFile, WritesStraightToAPipe) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = text_of(folder / "pipe"); });
  write_whole(folder / "pipe", "through");
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(fs::is_fifo(folder / "pipe"));
}

TEST(AtomicFile, WritesToStandardOutputRedirectedToAFile) {
  TemporaryFolder folder;
  EXPECT_EQ(test::run_in_child([&] {
              const int file = ::open((folder / "redirected").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
              ::dup2(file, STDOUT_FILENO);
              write_whole("/dev/stdout", "x");
              struct stat status {};
              return ::fstat(file, &status) == 0 && status.st_size == 1 ? 0 : 1;  // it is still the same file
            }),
            0);
  EXPECT_EQ(text_of(folder / "redirected"), "x");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("redirected"));
}

/// Writes 1 MiB over "old" where there is no room for it; 0 when all went as it should.
int write_where_it_does_not_fit(const fs::path& folder) {
  write_whole(folder / "out", "old");
  try {
    write_whole(folder / "out", std::string(1 << 20, 'x'));
    return 1;
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.find((folder / "out").string()) == std::string::npos) return 2;
    if (text.find("free some space") == std::string::npos) return 3;
  }
  if (text_of(folder / "out") != "old") return 4;
  return names_in(folder).size() == 1 ? 0 : 5;
}

TEST(AtomicFile, LeavesTheOldFileWhenItGrowsTooLarge) {
  TemporaryFolder folder;
  EXPECT_EQ(test::run_in_child([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{100'000, 100'000};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 77;
              return write_where_it_does_not_fit(folder.path());
            }),
            0);
}

TEST(AtomicFile, LeavesTheOldFileWhenTheDiskIsFull) {
#ifdef __linux__
  TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "this user may not mount a small disk here";
  }
  const int result = write_where_it_does_not_fit(fs::canonical(folder.path()));
  ::umount(folder.path().c_str());
  EXPECT_EQ(result, 0);
#else
  GTEST_SKIP() << "needs tmpfs";
#endif
}

/// A child that is half way through writing `target`, with a handler or none, until `signal` ends it.
int status_when_interrupted(const fs::path& target, int signal, void (*handler)(int)) {
  return test::status_of_child([&] {
    if (handler != nullptr) ::signal(signal, handler);
    AtomicFile file(target);
    write(file, std::string(100'000, 'x'));
    ::raise(signal);
    file.commit();  // not reached
    return 0;
  });
}

TEST(AtomicFile, LeavesTheOldFileWhenKilled) {
  TemporaryFolder folder;
  test::write_file(folder / "out", std::string("old"));
  const int status = status_when_interrupted(folder / "out", SIGKILL, nullptr);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(text_of(folder / "out"), "old");
  EXPECT_EQ(names_in(folder.path()).size(), 2u);  // nobody can clean up after SIGKILL
}

TEST(RemoveUnfinishedFiles, LeavesNothingBehindATermination) {
  TemporaryFolder folder;
  test::write_file(folder / "out", std::string("old"));
  const int status = status_when_interrupted(folder / "out", SIGTERM, [](int) {
    remove_unfinished_files();
    ::_exit(43);
  });
  EXPECT_EQ(WEXITSTATUS(status), 43);
  EXPECT_EQ(text_of(folder / "out"), "old");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(RemoveUnfinishedFiles, RemovesAllOfThemAndNoFinishedOne) {
  TemporaryFolder folder;
  EXPECT_EQ(test::run_in_child([&] {
              write_whole(folder / "finished", "x");
              std::vector<std::unique_ptr<AtomicFile>> files;
              files.reserve(kListedFiles);
              for (int i = 0; i < kListedFiles; ++i) {
                files.push_back(std::make_unique<AtomicFile>(folder / std::to_string(i)));
              }
              remove_unfinished_files();
              return names_in(folder.path()) == std::vector<std::string>{"finished"} ? 0 : 1;
            }),
            0);
}

TEST(RemoveUnfinishedFiles, SlotsAreUsedAgainAndRunningOutOfThemIsNoError) {
  TemporaryFolder folder;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<AtomicFile>> files;
    files.reserve(kListedFiles + 5);
    for (int i = 0; i < kListedFiles + 5; ++i) {
      files.push_back(std::make_unique<AtomicFile>(folder / std::to_string(i)));
    }
    for (const auto& file : files) file->commit();
  }
  EXPECT_EQ(names_in(folder.path()).size(), static_cast<size_t>(kListedFiles + 5));
  EXPECT_EQ(test::run_in_child([&] {
              AtomicFile file(folder / "listed again");
              remove_unfinished_files();
              return names_in(folder.path()).size() == kListedFiles + 5 ? 0 : 1;
            }),
            0);
}

TEST(RemoveUnfinishedFiles, SparesTheParentsFilesAfterAFork) {
  TemporaryFolder folder;
  AtomicFile file(folder / "out");
  EXPECT_EQ(test::run_in_child([] {
              remove_unfinished_files();
              return 0;
            }),
            0);
  file.commit();
  EXPECT_TRUE(fs::exists(folder / "out"));
}

TEST(AtomicFile, IsFilledInAnyOrder) {
  TemporaryFolder folder;
  AtomicFile file(folder / "out");
  const auto write_at = [&](int64_t position, const std::string& text) {
    file.write_at(position, std::as_bytes(std::span(text)));
  };
  write(file, "ab");
  write_at(6, "gh");
  write_at(3, "def");
  write_at(2, "c");
  write_at(8, "i");
  file.commit();
  EXPECT_EQ(text_of(folder / "out"), "abcdefghi");
}

TEST(AtomicFile, FillsAPipeInOrderOnly) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = text_of(folder / "pipe"); });
  {
    AtomicFile file(folder / "pipe");
    write(file, "ab");
    file.write_at(2, std::as_bytes(std::span("cd", 2)));
    EXPECT_THAT(error_of([&] { file.write_at(6, std::as_bytes(std::span("gh", 2))); }), HasSubstr("pipe'"));
    file.commit();
  }
  reader.join();
  EXPECT_EQ(read, "abcd");
}

TEST(RemoveAbandonedFiles, RemovesThoseOfTheDeadOnly) {
  TemporaryFolder folder;
  status_when_interrupted(folder / "out", SIGKILL, nullptr);
  test::write_file(folder / ".contentvec-notes", std::string("not ours"));
  AtomicFile file(folder / "alive");
  EXPECT_EQ(names_in(folder.path()).size(), 3u);
  EXPECT_EQ(test::run_in_child([&] {  // another process than the one that writes
              remove_abandoned_files(folder.path());
              return 0;
            }),
            0);
  EXPECT_EQ(names_in(folder.path()).size(), 2u);
  remove_abandoned_files(folder.path());
  file.commit();
  EXPECT_THAT(names_in(folder.path()), ElementsAre(".contentvec-notes", "alive"));
  remove_abandoned_files(folder / "none");
}

TEST(RemoveAbandonedFiles, TakesNoneThatIsBeingMade) {
  TemporaryFolder folder;
  std::atomic<bool> done = false;
  std::thread sweeper([&] {
    while (!done) remove_abandoned_files(folder.path());
  });
  for (int i = 0; i < 200; ++i) write_whole(folder / "out", std::to_string(i));
  done = true;
  sweeper.join();
  EXPECT_EQ(text_of(folder / "out"), "199");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(AtomicFile, ManyThreadsWriteTheSameFile) {
  TemporaryFolder folder;
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'i'; ++letter) {
    threads.emplace_back([&folder, letter] {
      for (int i = 0; i < 20; ++i) write_whole(folder / "out", std::string(10'000, letter));
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = text_of(folder / "out");
  EXPECT_EQ(text, std::string(10'000, text[0]));
  EXPECT_THAT(names_in(folder.path()), ElementsAre("out"));
}

TEST(AtomicFile, TooLongANameIsNamedAsThat) {
  const TemporaryFolder folder;
  const std::string name = std::string(251, 'n') + ".safetensors";
  EXPECT_THAT(error_of([&] { AtomicFile(folder / name); }),
              AllOf(HasSubstr("263 bytes"), HasSubstr("shorter")));
}

}  // namespace
}  // namespace contentvec::output
