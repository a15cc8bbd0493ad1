#pragma once

#include <algorithm>

#include "contentvec/threads.h"
#include "runtime/thread_team.h"

namespace contentvec::nn {

/// Who packs a model's weights while it is loaded: the caller alone unless more is said.
struct Packers {
  int threads = 1;
  RunTasks run_tasks = {};  ///< see ThreadTeam

  [[nodiscard]] ThreadTeam team() const {
    // Each holds a matrix or two as they are in the file, and memory is no faster for more.
    constexpr int kMost = 8;
    return ThreadTeam(std::min(threads, kMost), run_tasks);
  }
};

}  // namespace contentvec::nn
