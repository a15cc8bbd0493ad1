#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "contentvec/threads.h"

namespace contentvec {

/// What a caller's number of threads stands for: itself, or for 0 usable_cpus(). Throws Error for one out of
/// range.
int settle_threads(int threads);

/// A fixed team of threads that runs parallel loops: the caller and `threads - 1` workers, which between
/// loops spin for some microseconds and then sleep. Loops come 20 to 200 microseconds apart inside a forward
/// pass, so waking through the kernel each time would cost more than the work; a sleeping team costs nothing.
/// Not thread-safe: one loop at a time, always from the same thread or with the caller's own ordering.
class ThreadTeam {
 public:
  /// `threads` >= 1. Throws Error when the system gives no more threads. A child of fork() has the team
  /// without its workers: the first loop there starts them anew.
  /// With `run_tasks` the team has no threads of its own: that runs up to `threads` tasks of each loop.
  explicit ThreadTeam(int threads, RunTasks run_tasks = nullptr);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] int size() const { return size_; }

  /// Calls body(item, thread) for every item in [0, items), items < 2^32, each once, on any thread (0 <=
  /// thread < size()); items are handed out in increasing order as threads become free. Returns when all are
  /// done. The first exception a body throws is rethrown here; items not yet begun are then skipped.
  template <typename Body>
  void parallel_for(int64_t items, const Body& body) {
    run(
        items,
        [](const void* context, int64_t item, int thread) {
          (*static_cast<const Body*>(context))(item, thread);
        },
        &body);
  }

 private:
  using Invoke = void (*)(const void* context, int64_t item, int thread);
  void run(int64_t items, Invoke invoke, const void* context);
  void take_items(int thread) noexcept;
  uint32_t drop_items() noexcept;
  void worker_main(int thread);
  void wake_workers();
  void start_workers();
  void run_elsewhere();
  void abandon_lost_workers() noexcept;
  void dismiss();

  int size_;
  RunTasks run_tasks_;
  std::vector<std::thread> workers_;
  uint32_t fork_generation_;  ///< of the process whose threads they are
  Invoke invoke_ = nullptr;
  const void* context_ = nullptr;
  int64_t items_ = 0;
  std::exception_ptr failure_;
  std::mutex failure_mutex_;
  /// The loop's number, and in the lower half how many of its items nobody has taken yet. Who takes one holds
  /// the loop open until it has done it; who comes too late takes none. So a loop never waits for a thread
  /// that has not woken.
  alignas(64) std::atomic<uint64_t> tickets_{0};
  alignas(64) std::atomic<uint32_t> unfinished_{0};  ///< items of the loop that are not done
  alignas(64) std::atomic<uint32_t> generation_{0};  ///< counts loops; a change wakes the workers
  std::atomic<bool> stop_{false};
};

}  // namespace contentvec
