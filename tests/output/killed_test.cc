#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "cli/signals.h"
#include "output/atomic_file.h"
#include "support.h"

// Processes that are ended by a signal while several threads write files: none leaves a temporary one.

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;

/// Makes files in `folder` until somebody ends the process.
[[noreturn]] void write_files(const fs::path& folder) {
  cli::install_signal_handlers();
  const auto write = [&](int thread) {
    const std::vector<std::byte> bytes(1000);
    for (int i = 0;; ++i) {
      try {
        output::AtomicFile file(folder / (std::to_string(thread) + "-" + std::to_string(i % 10)));
        file.write(bytes);
        file.commit();
      } catch (const std::exception&) {  // the process is being ended
      }
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 1; thread < 4; ++thread) threads.emplace_back(write, thread);
  write(0);
  _exit(1);
}

TEST(Killed, NoSignalLeavesATemporaryFile) {
  const TemporaryFolder folder;
  std::mt19937 random(20261126);
  for (int kill_number = 0; kill_number < 60; ++kill_number) {
    const int signal = std::vector{SIGTERM, SIGINT, SIGHUP}[random() % 3];
    const pid_t child = fork();
    if (child == 0) write_files(folder.path());
    usleep(static_cast<useconds_t>(5000 + random() % 5000));
    kill(child, signal);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << status;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path())) {
      ASSERT_NE(entry.path().extension(), ".tmp") << "after kill " << kill_number << ": " << entry.path();
      ASSERT_EQ(entry.file_size(), 1000U) << entry.path();
    }
  }
}

}  // namespace
}  // namespace contentvec::test
