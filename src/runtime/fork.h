#pragma once

#include <cstdint>
#include <mutex>

namespace contentvec {

// After fork() a child has one thread, the one that forked, and a copy of everything else: threads that are
// no longer there, and mutexes that they hold for ever. Python's multiprocessing makes its workers so.

/// How many forks lie between this process and the one that loaded the library: 0 in that one, 1 in its
/// children. What remembers it can tell whether its threads are still there.
uint32_t fork_generation() noexcept;

/// A mutex that no fork leaves locked: whoever forks waits for it first, and lets it go in both processes.
class ForkMutex {
 public:
  ForkMutex();
  ~ForkMutex();
  ForkMutex(const ForkMutex&) = delete;
  ForkMutex& operator=(const ForkMutex&) = delete;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

}  // namespace contentvec
