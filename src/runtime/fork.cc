#include "runtime/fork.h"

#include <pthread.h>

#include <atomic>
#include <set>

namespace contentvec {
namespace {

/// All ForkMutexes there are. Never destroyed: models may outlive static objects.
struct Registry {
  std::mutex mutex;
  std::set<ForkMutex*> mutexes;
  std::atomic<uint32_t> generation = 0;
};

Registry& registry() {
  static Registry& only = *new Registry();
  return only;
}

void before_fork() {
  registry().mutex.lock();
  for (ForkMutex* mutex : registry().mutexes) mutex->lock();
}

void after_fork() {
  for (ForkMutex* mutex : registry().mutexes) mutex->unlock();
  registry().mutex.unlock();
}

void after_fork_in_child() {
  registry().generation.fetch_add(1, std::memory_order_relaxed);
  after_fork();
}

/// Registered when the library is loaded, before anything of it can be forked.
const bool watching = pthread_atfork(before_fork, after_fork, after_fork_in_child) == 0;

}  // namespace

uint32_t fork_generation() noexcept {
  static_cast<void>(watching);
  return registry().generation.load(std::memory_order_relaxed);
}

ForkMutex::ForkMutex() {
  const std::lock_guard lock(registry().mutex);
  registry().mutexes.insert(this);
}

ForkMutex::~ForkMutex() {
  const std::lock_guard lock(registry().mutex);
  registry().mutexes.erase(this);
}

}  // namespace contentvec
