#include "hubert/mlx/worker_thread.h"

#include <utility>

namespace contentvec::mlx {

WorkerThread::WorkerThread(std::chrono::milliseconds patience)
    : patience_(patience), thread_([this] { work(); }) {}

WorkerThread::~WorkerThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void WorkerThread::run(std::function<void()> job, const std::function<void()>& when_slow) {
  std::packaged_task<void()> task(std::move(job));
  std::future<void> done = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(task));
  }
  changed_.notify_one();
  if (when_slow && done.wait_for(patience_) == std::future_status::timeout) when_slow();
  done.get();
}

void WorkerThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::packaged_task<void()> task = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace contentvec::mlx
