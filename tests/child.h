#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <thread>

namespace contentvec::test {

/// What waitpid says of a forked child that runs `action` and exits with what it returns (99 for an
/// exception). Limits and signal handlers set in it end with it. One that has not ended after a minute is
/// killed.
inline int status_of_child(const std::function<int()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    int result = 99;
    try {
      result = action();
    } catch (const std::exception&) {
    }
    ::_exit(result);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  int status = -1;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) ::kill(child, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return status;
}

/// The exit code of such a child, or -1 when a signal ended it.
inline int run_in_child(const std::function<int()>& action) {
  const int status = status_of_child(action);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Whether `action` returns true in such a child.
inline bool succeeds_in_child(const std::function<bool()>& action) {
  return run_in_child([&] { return action() ? 0 : 1; }) == 0;
}

/// Lets file permissions count for the super-user too, for as long as it lives.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : user_(::geteuid()) {
    if (user_ == 0) effective_ = ::seteuid(65534) == 0;
  }
  ~WithoutPrivileges() {
    if (user_ == 0 && effective_) effective_ = ::seteuid(user_) == 0;
  }
  WithoutPrivileges(const WithoutPrivileges&) = delete;
  WithoutPrivileges& operator=(const WithoutPrivileges&) = delete;
  [[nodiscard]] bool effective() const { return effective_; }

 private:
  uid_t user_;
  bool effective_ = true;
};

#ifdef CONTENTVEC_SANITIZED
inline constexpr bool kSanitized = true;  // the sanitizer's own memory makes a limit on it meaningless
#else
inline constexpr bool kSanitized = false;
#endif

/// Why a test is skipped under a sanitizer: a thread of the parent that holds its allocator's lock at fork()
/// leaves it locked in the child for ever (seen with clang 14, whose threads take it when they begin).
inline constexpr const char* kNoThreadsBeforeFork =
    "a sanitizer's memory may stay locked in a child of fork()";

}  // namespace contentvec::test
