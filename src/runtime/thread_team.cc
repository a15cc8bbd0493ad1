#include "runtime/thread_team.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/fail.h"
#include "runtime/flush_denormals.h"
#include "runtime/fork.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace contentvec {
namespace {

/// How long a thread spins before it sleeps: longer than the gap between two loops of a forward pass.
constexpr auto kSpinTime = std::chrono::microseconds(100);

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Returns once value != old: spins first, then sleeps.
template <typename T>
void wait_while_equal(const std::atomic<T>& value, T old) {
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 64; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

/// Of a loop's tickets: the items that nobody has taken.
uint32_t untaken(uint64_t ticket) {
  return static_cast<uint32_t>(ticket);
}

}  // namespace

int settle_threads(int threads) {
  if (threads < 0 || threads > kMaxThreads)
    fail("threads is {}; expected 0 (one per usable CPU) or 1 to {}", threads, kMaxThreads);
  return threads == 0 ? usable_cpus() : threads;
}

int usable_cpus() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count == 0 ? 1 : static_cast<int>(count);
}

ThreadTeam::ThreadTeam(int threads, RunTasks run_tasks)
    : size_(threads), run_tasks_(std::move(run_tasks)), fork_generation_(fork_generation()) {
  if (threads < 1) fail("a thread team needs at least 1 thread, got {}", threads);
  start_workers();
}

void ThreadTeam::start_workers() {
  if (run_tasks_) return;
  workers_.reserve(static_cast<size_t>(size_ - 1));
  try {
    for (int i = 1; i < size_; ++i) workers_.emplace_back([this, i] { worker_main(i); });
  } catch (const std::exception& error) {  // no thread, or no memory for one
    const size_t started = workers_.size();
    dismiss();
    fail("asked for {} threads, the system gave {} ({}); use fewer", size_, started + 1, error.what());
  }
}

ThreadTeam::~ThreadTeam() {
  abandon_lost_workers();
  dismiss();
}

/// In a child of fork() the workers are objects without a thread, which can neither be joined nor detached:
/// they are left where they are.
void ThreadTeam::abandon_lost_workers() noexcept {
  if (fork_generation_ == fork_generation()) return;
  fork_generation_ = fork_generation();
  static_cast<void>(new std::vector<std::thread>(std::move(workers_)));
  workers_.clear();
}

void ThreadTeam::wake_workers() {
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
}

void ThreadTeam::dismiss() {
  stop_.store(true, std::memory_order_relaxed);
  wake_workers();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadTeam::take_items(int thread) noexcept {
  const FlushDenormals flush;
  uint64_t ticket = tickets_.load(std::memory_order_acquire);
  while (untaken(ticket) != 0) {
    if (!tickets_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
      continue;
    }
    uint32_t done = 1;
    try {
      invoke_(context_, items_ - untaken(ticket), thread);
    } catch (...) {
      done += drop_items();
      const std::lock_guard lock(failure_mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    if (unfinished_.fetch_sub(done, std::memory_order_acq_rel) == done) unfinished_.notify_one();
    ticket = tickets_.load(std::memory_order_acquire);
  }
}

/// Takes all items that are left, to skip them; returns how many.
uint32_t ThreadTeam::drop_items() noexcept {
  uint64_t ticket = tickets_.load(std::memory_order_relaxed);
  while (!tickets_.compare_exchange_weak(ticket, ticket - untaken(ticket), std::memory_order_acq_rel)) {
  }
  return untaken(ticket);
}

void ThreadTeam::worker_main(int thread) {
  for (uint32_t seen = 0;;) {
    wait_while_equal(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    take_items(thread);
  }
}

/// Each task takes items until there are none left; what the caller's threads leave, such as all items of
/// tasks that were never run, is done here.
void ThreadTeam::run_elsewhere() {
  try {
    run_tasks_(static_cast<int>(std::min<int64_t>(size_, items_)), [this](int task) {
      if (task >= 0 && task < size_) take_items(task);
    });
    take_items(0);
  } catch (...) {
    drop_items();
    failure_ = nullptr;
    throw;
  }
}

void ThreadTeam::run(int64_t items, Invoke invoke, const void* context) {
  if (items <= 0) return;
  if (items > UINT32_MAX) fail("a parallel loop of {} items is too long", items);
  if (fork_generation_ != fork_generation()) {
    abandon_lost_workers();
    start_workers();
  }
  invoke_ = invoke;
  context_ = context;
  items_ = items;
  unfinished_.store(static_cast<uint32_t>(items), std::memory_order_relaxed);
  const uint64_t loop = (tickets_.load(std::memory_order_relaxed) >> 32) + 1;
  tickets_.store(loop << 32 | static_cast<uint64_t>(items), std::memory_order_release);
  if (run_tasks_) {
    run_elsewhere();
  } else {
    if (!workers_.empty() && items > 1) wake_workers();
    take_items(0);
  }
  for (uint32_t left = unfinished_.load(std::memory_order_acquire); left != 0;
       left = unfinished_.load(std::memory_order_acquire)) {
    wait_while_equal(unfinished_, left);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace contentvec
