// What a parallel region costs beyond its work: regions of 20 to 200 microseconds with 3 microseconds of
// serial work between them, as a forward pass has, by the library's team, OpenMP and oneTBB; alone, and with
// two teams at once, as two extractors in one process have.
//
//   contentvec-bench-threads [--threads=N] [--quick]
//
// OMP_WAIT_POLICY=active|passive in the environment changes what OpenMP's threads do between regions.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <latch>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/threads/pool.h"
#include "nn/kernels/select.h"
#include "runtime/thread_team.h"

namespace contentvec::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kItemsPerThread = 4;  // as the engine cuts a product
constexpr double kGap = 3;          // microseconds of serial work after each region
constexpr double kRegions[] = {20, 50, 100, 200};

struct Contestant {
  const char* name;
  std::unique_ptr<Pool> (*make)(int threads);
};
constexpr Contestant kContestants[] = {
    {"contentvec", make_team}, {"OpenMP", make_openmp}, {"oneTBB", make_tbb}};

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// "median (fastest)" of what regions take, less what their work alone would.
std::string overhead(std::vector<double> times, double ideal) {
  if (times.empty()) return "";
  std::sort(times.begin(), times.end());
  return fmt::format("{:.1f} ({:.1f})", times[times.size() / 2] - ideal, times.front() - ideal);
}

/// Work on registers alone that takes a thread so many microseconds.
class Work {
 public:
  Work() : kernels_(nn::select_kernels(DType::kF32)) {
    constexpr int64_t kIterations = 20000;
    std::vector<double> times;
    for (int i = 0; i < 200; ++i) {
      const auto start = Clock::now();
      kernels_.peak_loop(kIterations);
      times.push_back(microseconds_since(start));
    }
    iterations_per_microsecond_ = kIterations / *std::min_element(times.begin(), times.end());
  }
  void operator()(double microseconds) const {
    kernels_.peak_loop(static_cast<int64_t>(microseconds * iterations_per_microsecond_));
  }

 private:
  const nn::Kernels& kernels_;
  double iterations_per_microsecond_ = 0;
};

/// Microseconds from the begin of one region to that of the next, over `regions` of them.
double time_regions(Pool& pool, const Work& work, double microseconds, int threads, int regions) {
  const int64_t items = int64_t{kItemsPerThread} * threads;
  std::vector<int> done(static_cast<size_t>(items));
  const auto item_done = [&](int64_t item) {
    work(microseconds / kItemsPerThread);
    ++done[static_cast<size_t>(item)];
  };
  const auto start = Clock::now();
  for (int region = 0; region < regions; ++region) {
    pool.run(items, item_done);
    work(kGap);
  }
  const double taken = microseconds_since(start) / regions;
  if (std::any_of(done.begin(), done.end(), [&](int count) { return count != regions; })) {
    throw std::runtime_error("a region ran an item twice, or not at all");
  }
  return taken;
}

/// The same with `teams` teams at once, each with a caller of its own: the mean of what each measures.
double time_teams(const std::vector<std::unique_ptr<Pool>>& teams, const Work& work, double microseconds,
                  int threads, int regions) {
  std::vector<double> taken(teams.size());
  std::latch ready(static_cast<std::ptrdiff_t>(teams.size()));
  const auto measure = [&](size_t team) {
    ready.arrive_and_wait();
    taken[team] = time_regions(*teams[team], work, microseconds, threads, regions);
  };
  std::vector<std::jthread> others;
  for (size_t team = 1; team < teams.size(); ++team) others.emplace_back(measure, team);
  measure(0);
  others.clear();
  double sum = 0;
  for (const double one : taken) sum += one;
  return sum / static_cast<double>(teams.size());
}

/// Overheads per region in microseconds over `rounds`, the contestants taking turns.
void print_overheads(const Work& work, int threads, int teams, int rounds) {
  std::vector<std::vector<std::unique_ptr<Pool>>> pools;
  fmt::print("\n| {} x {} threads: region |", teams, threads);
  for (const Contestant& contestant : kContestants) {
    pools.emplace_back();
    for (int team = 0; team < teams; ++team) {
      if (auto pool = contestant.make(threads)) pools.back().push_back(std::move(pool));
    }
    fmt::print(" {} |", pools.back().empty() ? "(absent)" : contestant.name);
  }
  fmt::print("\n|---|---|---|---|\n");
  const double share = std::max(1.0, static_cast<double>(teams * threads) / usable_cpus());
  for (const double microseconds : kRegions) {
    const int regions = static_cast<int>(100000 / microseconds);  // 100 ms of them, as a forward pass takes
    std::vector<std::vector<double>> times(pools.size());
    for (int round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < pools.size(); ++i) {
        if (!pools[i].empty()) times[i].push_back(time_teams(pools[i], work, microseconds, threads, regions));
      }
    }
    // With more threads than CPUs, the work itself takes so much longer.
    const double ideal =
        microseconds * share + kGap * std::max(1.0, static_cast<double>(teams) / usable_cpus());
    fmt::print("| {:.0f} us |", microseconds);
    for (const auto& of_one : times) fmt::print(" {} |", overhead(of_one, ideal));
    fmt::print("\n");
  }
}

int run(int argc, char** argv) {
  int threads = usable_cpus();
  int rounds = 20;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      rounds = 1;
    } else if (argument.starts_with("--threads=") && std::atoi(argv[i] + 10) > 0) {
      threads = std::atoi(argv[i] + 10);
    } else {
      fmt::print(stderr, "usage: contentvec-bench-threads [--threads=N] [--quick]\n");
      return 2;
    }
  }
  const Work work;
  fmt::print(
      "Microseconds that a parallel region takes beyond its work: median (fastest) of {} rounds; {} CPUs.\n",
      rounds, usable_cpus());
  for (const int teams : {1, 2}) print_overheads(work, threads, teams, rounds);
  return 0;
}

}  // namespace
}  // namespace contentvec::bench

int main(int argc, char** argv) {
  try {
    return contentvec::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "contentvec-bench-threads: {}\n", error.what());
    return 1;
  }
}
