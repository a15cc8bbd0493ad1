#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace contentvec::mlx {

/// One thread on which everything of a model happens, whoever calls: MLX's streams and the graphs it keeps
/// belong to the thread that made them.
class WorkerThread {
 public:
  WorkerThread();
  /// Finishes what was asked for.
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  /// Runs `job` there, waits for it, and passes on what it throws. Any thread may call it, but not the
  /// worker.
  void run(std::function<void()> job);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace contentvec::mlx
