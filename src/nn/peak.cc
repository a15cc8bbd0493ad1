#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "contentvec/performance.h"
#include "nn/kernels/select.h"
#include "runtime/fail.h"
#include "runtime/thread_team.h"

namespace contentvec {
namespace {

constexpr double kRoundSeconds = 0.02;  // long enough for a busy system to give each thread its own CPU

/// Operations a second of one round: `iterations` of the loop on each thread.
double run_round(const nn::Kernels& kernels, ThreadTeam& team, int64_t iterations) {
  std::vector<double> flops(static_cast<size_t>(team.size()));
  const auto start = std::chrono::steady_clock::now();
  team.parallel_for(team.size(), [&](int64_t item, int) {
    flops[static_cast<size_t>(item)] = kernels.peak_loop(iterations);
  });
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  double total = 0;
  for (const double one : flops) total += one;
  return total / std::max(taken.count(), 1e-9);
}

}  // namespace

CpuPeak measure_cpu_peak(DType dtype, int threads) {
  threads = settle_threads(threads);
  const nn::Kernels& kernels = nn::select_kernels(dtype);
  ThreadTeam team(threads);
  // A first round, long enough to wake everything, says how many iterations a round takes.
  constexpr int64_t kFirst = 100000;
  const double per_thread = run_round(kernels, team, kFirst) / threads;
  const double flops_of_one = kernels.peak_loop(1);
  const auto iterations = static_cast<int64_t>(std::max(1.0, kRoundSeconds * per_thread / flops_of_one));
  std::array<double, 10> rounds;
  for (double& round : rounds) round = run_round(kernels, team, iterations);
  std::sort(rounds.begin(), rounds.end());
  return {rounds.back(), rounds[rounds.size() / 2]};
}

}  // namespace contentvec
