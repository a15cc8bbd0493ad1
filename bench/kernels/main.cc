// Every step of HuBERT base and RMVPE's convolutions at their real sizes, ours beside oneDNN's: GFLOP/s, and the share
// of what registers alone reach on this processor in the same run.
//
//   contentvec-bench-kernels [--threads=N] [GOOGLE BENCHMARK OPTION...]    e.g. --benchmark_filter=10s/conv
//
// Before a step is timed, some of what it gives is compared with sums in double; what is wrong is an error,
// not a time.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/kernels/shape.h"
#include "contentvec/performance.h"
#include "runtime/thread_team.h"

namespace contentvec::bench {
namespace {

using Maker = std::unique_ptr<Step> (*)(const Shape&, const Inputs&, DType, int);

struct Contestant {
  const char* name;
  Maker make;
};
constexpr Contestant kContestants[] = {{"contentvec", make_contentvec}, {"oneDNN", make_onednn}};

struct Precision {
  const char* name;
  DType dtype;
  double tolerance;  ///< of values between -3 and 3, whose terms are rounded to 24 or 8 bits
};
constexpr Precision kPrecisions[] = {{"f32", DType::kF32, 1e-4}, {"bf16", DType::kBF16, 5e-2}};

/// What is wrong with a step's result; empty: nothing.
std::string find_fault(const Shape& shape, const Inputs& inputs, const Step& step, double tolerance) {
  std::minstd_rand random(2);
  const auto pick = [&](int64_t count) {
    return std::uniform_int_distribution<int64_t>(0, count - 1)(random);
  };
  for (int i = 0; i < 64; ++i) {
    const int64_t row = i == 0 ? shape.rows - 1 : pick(shape.rows);
    const int64_t column = i == 0 ? shape.out - 1 : pick(shape.out);
    const double wanted = expected(shape, inputs, row, column);
    const double found = static_cast<double>(step.at(row, column));
    if (!(std::abs(found - wanted) <= tolerance)) {
      return fmt::format("[{}, {}] is {}, should be {}", row, column, found, wanted);
    }
  }
  return {};
}

/// Set when a result was wrong, which Google Benchmark's own exit code does not tell.
bool any_fault = false;

void measure(benchmark::State& state, const Shape& shape, const Contestant& contestant,
             const Precision& precision, int threads, double peak) {
  const Inputs inputs(shape);
  const std::unique_ptr<Step> step = contestant.make(shape, inputs, precision.dtype, threads);
  if (!step) {
    state.SkipWithError("nothing fast for this type here");
    return;
  }
  step->run();
  if (const std::string fault = find_fault(shape, inputs, *step, precision.tolerance); !fault.empty()) {
    any_fault = true;
    state.SkipWithError(fmt::format("WRONG RESULT: {}", fault).c_str());
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) step->run();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const double gflops = shape.flops() * static_cast<double>(state.iterations()) / taken.count() / 1e9;
  state.counters["GFLOP/s"] = gflops;
  state.counters["%peak"] = gflops / peak * 100;
}

/// Whether it has anything for this type on this processor: a linear layer of a second, say.
bool competes(const Contestant& contestant, const Precision& precision, int threads) {
  const Shape shape = {.name = "projection", .rows = 49, .in = 512, .out = 768};
  return contestant.make(shape, Inputs(shape), precision.dtype, threads) != nullptr;
}

void add_benchmarks(const Precision& precision, int threads) {
  const double peak = measure_cpu_peak(precision.dtype, threads).best / 1e9;
  fmt::print("{}: registers alone reach {:.1f} GFLOP/s on {} threads\n", precision.name, peak, threads);
  std::vector<Contestant> competing;
  for (const Contestant& contestant : kContestants) {
    if (competes(contestant, precision, threads)) {
      competing.push_back(contestant);
    } else {
      fmt::print("{}: {} is left out, it has nothing fast for this here\n", precision.name, contestant.name);
    }
  }
  for (const int seconds : {1, 10}) {
    std::vector<Shape> shapes = shapes_of(ModelConfig(), int64_t{16000} * seconds);
    for (const Shape& shape : rmvpe_shapes(int64_t{16000} * seconds)) shapes.push_back(shape);
    for (const Shape& shape : shapes) {
      for (const Contestant& contestant : competing) {
        const std::string name =
            fmt::format("{}/{}s/{}/{}", precision.name, seconds, shape.name, contestant.name);
        benchmark::RegisterBenchmark(
            name.c_str(),
            [=](benchmark::State& state) { measure(state, shape, contestant, precision, threads, peak); })
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

/// Takes --threads=N out of the arguments.
int take_threads(int& argc, char** argv) {
  constexpr std::string_view kOption = "--threads=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kOption)) continue;
    const int threads = std::atoi(argument.substr(kOption.size()).data());
    std::copy(argv + i + 1, argv + argc, argv + i);
    --argc;
    return std::clamp(threads, 1, kMaxThreads);
  }
  return usable_cpus();
}

}  // namespace
}  // namespace contentvec::bench

int main(int argc, char** argv) {
  using namespace contentvec::bench;
  try {
    const int threads = take_threads(argc, argv);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    for (const Precision& precision : kPrecisions) add_benchmarks(precision, threads);
    benchmark::RunSpecifiedBenchmarks();
    return any_fault ? 1 : 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "contentvec-bench-kernels: {}\n", error.what());
    return 1;
  }
}
