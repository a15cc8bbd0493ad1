#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "nn/kernels/kernels.h"
#include "runtime/aligned_buffer.h"
#include "runtime/thread_team.h"

namespace contentvec::nn {

/// Counts the parts of each block of rows that are yet to be done, so that whoever does a block's last part
/// can go on with the whole rows while they are in cache.
class Countdown {
 public:
  void start(int64_t blocks, int parts);
  /// Whether this was the block's last part; what the others wrote is then visible.
  bool done(int64_t block) {
    return left_[static_cast<size_t>(block)].fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

 private:
  std::unique_ptr<std::atomic<int>[]> left_;
  int64_t capacity_ = 0;
};

/// What the steps of forward passes work in, one pass at a time; kept between passes, so that a pass no
/// larger than one before takes no memory.
class Scratch {
 public:
  /// For so many threads, with what `kernels` want for their products.
  void prepare(const Kernels& kernels, int threads);

 private:
  friend struct Context;
  struct OfThread {
    AlignedBuffer<float> step;         ///< of the step that runs
    AlignedBuffer<std::byte> product;  ///< Kernels::product_scratch
  };
  std::vector<OfThread> threads_;
  Countdown countdown_;
};

/// What every step of a forward pass needs to run, whatever the model.
struct Context {
  const Kernels& kernels;
  ThreadTeam& team;
  Scratch& memory;

  /// Gives every thread that much scratch for the step that comes.
  void reserve_scratch(int64_t floats) const {
    for (Scratch::OfThread& thread : memory.threads_) thread.step.reserve(floats);
  }
  [[nodiscard]] float* scratch(int thread) const {
    return memory.threads_[static_cast<size_t>(thread)].step.data();
  }
  [[nodiscard]] std::byte* product_scratch(int thread) const {
    return memory.threads_[static_cast<size_t>(thread)].product.data();
  }
  [[nodiscard]] Countdown& countdown() const { return memory.countdown_; }
};

/// Threads, and the memory of steps, for forward passes one at a time.
class Machine {
 public:
  Machine(const Kernels& kernels, int threads, RunTasks run_tasks = {});
  [[nodiscard]] Context context() { return {kernels_, team_, memory_}; }

 private:
  const Kernels& kernels_;
  ThreadTeam team_;
  Scratch memory_;
};

}  // namespace contentvec::nn
