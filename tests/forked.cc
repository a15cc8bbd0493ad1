#include "forked.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace contentvec::test {

bool succeeds_in_child(const std::function<bool()>& action) {
  const pid_t child = fork();
  if (child == 0) {
    bool right = false;
    try {
      right = action();
    } catch (...) {
    }
    _exit(right ? 0 : 1);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace contentvec::test
