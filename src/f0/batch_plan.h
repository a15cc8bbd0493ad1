#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::f0 {

/// Recordings up to this length may go side by side: each then takes a thread's memory for a pass.
inline constexpr int64_t kMostSideBySide = int64_t{10} * 16000;

/// How a team of threads shares out a batch; each of its recordings is in one of the two.
struct BatchPlan {
  std::vector<size_t> one_by_one;    ///< each on the whole team
  std::vector<size_t> side_by_side;  ///< each on one thread, in this order
};

/// Threads are best used by a recording each: the more so the shorter these are. But none may be left waiting at the
/// end, so what would be much more than a thread's share of the rest, and what no full round is left for, has the team.
BatchPlan plan_batch(std::span<const std::span<const float>> waveforms, int threads);

}  // namespace contentvec::f0
