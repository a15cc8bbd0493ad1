#include "nn/context.h"

#include <utility>

namespace contentvec::nn {

void Countdown::start(int64_t blocks, int parts) {
  if (blocks > capacity_) {
    left_ = std::make_unique<std::atomic<int>[]>(static_cast<size_t>(blocks));
    capacity_ = blocks;
  }
  for (int64_t i = 0; i < blocks; ++i) left_[static_cast<size_t>(i)].store(parts, std::memory_order_relaxed);
}

void Scratch::prepare(const Kernels& kernels, int threads) {
  threads_.resize(static_cast<size_t>(threads));
  for (OfThread& thread : threads_) thread.product.reserve(kernels.product_scratch);
}

Machine::Machine(const Kernels& kernels, int threads, RunTasks run_tasks)
    : kernels_(kernels), team_(threads, std::move(run_tasks)) {
  memory_.prepare(kernels, threads);
}

}  // namespace contentvec::nn
