#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <functional>

namespace contentvec::test {

/// What waitpid says of a forked child that runs `action` and exits with what it returns (99 for an
/// exception). Limits and signal handlers set in it end with it.
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
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

/// The exit code of such a child, or -1 when a signal ended it.
inline int run_in_child(const std::function<int()>& action) {
  const int status = status_of_child(action);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
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

}  // namespace contentvec::test
