#pragma once

#include <chrono>
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
  /// `patience`: as run() has it.
  explicit WorkerThread(std::chrono::milliseconds patience = std::chrono::seconds(2));
  /// Finishes what was asked for.
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  /// Runs `job` there, waits for it, and passes on what it throws. Any thread may call it, but not the
  /// worker. `when_slow`, which may be empty and must not throw, is called once from the calling thread when it has
  /// waited for as long as the patience lasts.
  void run(std::function<void()> job, const std::function<void()>& when_slow = {});

 private:
  void work();

  std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace contentvec::mlx
