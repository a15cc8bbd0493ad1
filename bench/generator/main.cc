// The generator of RVC v2 at 48 kHz with made-up weights: the operations of each stage in its direct form over the time
// it takes, on one thread, and the whole on several; beside what registers alone reach on this processor in the same
// run.
//
//   contentvec-bench-generator [--threads N] [--dtype f32|bf16] [--repeat N] [SECONDS...]

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/performance.h"
#include "nn/kernels/select.h"
#include "synthesizer/generator.h"
#include "synthesizer/voice_tensors.h"

namespace contentvec::bench {
namespace {

using synthesizer::Generator;
using synthesizer::VoiceConfig;

/// Of this thread alone, or of all: what else runs here takes none of it.
double cpu_seconds(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Work {
  std::string step;
  double flops_per_frame;
};

std::vector<Work> work_of(const VoiceConfig& c) {
  const int64_t samples = c.samples_per_frame();
  const auto flops = [](int64_t rows, int64_t in, int64_t out, int64_t taps) {
    return 2.0 * static_cast<double>(rows * in * out * taps);
  };
  std::vector<Work> work;
  int64_t channels = c.upsample_initial_channel;
  int64_t rows = 1;
  work.push_back({"generator_pre", flops(1, c.inter_channels, channels, synthesizer::kGeneratorKernel)});
  for (size_t i = 0; i < c.upsample_rates.size(); ++i) {
    double up = flops(rows, channels, channels / 2, c.upsample_kernel_sizes[i]);
    channels /= 2;
    rows *= c.upsample_rates[i];
    if (c.f0) up += flops(rows, 1, channels, rows == samples ? 1 : 2 * samples / rows);
    work.push_back({fmt::format("generator_up_{}", i), up});
    double blocks = 0;
    for (const int64_t kernel : c.resblock_kernel_sizes)
      blocks += static_cast<double>(c.convs_per_block() * (c.resblock == 1 ? 2 : 1)) *
                flops(rows, channels, channels, kernel);
    work.push_back({fmt::format("generator_{}", i), blocks});
  }
  work.push_back({"audio", flops(rows, channels, 1, synthesizer::kGeneratorKernel)});
  return work;
}

struct Options {
  int threads = 0;
  int repeat = 5;
  DType dtype = DType::kF32;
  std::vector<double> seconds;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : "0"; };
    if (argument == "--threads") {
      options.threads = std::atoi(value());
    } else if (argument == "--repeat") {
      options.repeat = std::max(1, std::atoi(value()));
    } else if (argument == "--dtype") {
      options.dtype = std::string_view(value()) == "bf16" ? DType::kBF16 : DType::kF32;
    } else {
      options.seconds.push_back(std::atof(argv[i]));
    }
  }
  if (options.seconds.empty()) options.seconds = {1, 3, 10};
  options.threads = settle_threads(options.threads);
  return options;
}

/// Everything a pass needs.
class Bench {
 public:
  explicit Bench(DType dtype)
      : kernels_(nn::select_kernels(dtype)), generator_(kernels_, tensors(), config_) {}

  [[nodiscard]] const VoiceConfig& config() const { return config_; }
  [[nodiscard]] const nn::Kernels& kernels() const { return kernels_; }
  [[nodiscard]] const char* isa() const { return kernels_.isa; }

  void run(nn::Machine& machine, int64_t frames, const Generator::Observe& observe = {}) {
    const auto some = [](int64_t count) {
      std::vector<float> values(static_cast<size_t>(count));
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * i % 1999) / 1000 - 1;
      return values;
    };
    const std::vector<float> z = some(frames * config_.inter_channels);
    const std::vector<float> speaker = some(config_.gin_channels);
    const std::vector<float> source = some(frames * config_.samples_per_frame());
    std::vector<float> audio(source.size());
    began_ = wall_seconds();
    cpu_began_ = cpu_seconds();
    const double all_began = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    generator_.run(machine.context(), workspace_, z.data(), frames, speaker, source, audio.data(), {},
                   observe);
    taken_ = wall_seconds() - began_;
    cpu_taken_ = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all_began;
  }
  [[nodiscard]] double cpu_began() const { return cpu_began_; }
  [[nodiscard]] double taken() const { return taken_; }
  [[nodiscard]] double cpu_taken() const { return cpu_taken_; }

 private:
  [[nodiscard]] tensors::NamedTensors tensors() const {
    tensors::NamedTensors made;
    for (const tensors::Synthetic& synthetic : synthesizer::voice_tensors(config_)) {
      if (synthetic.tensor.name.starts_with("dec."))
        made.add(synthetic.tensor.name, synthetic.as_tensor("synthetic", 0));
    }
    return made;
  }

  const VoiceConfig config_;
  const nn::Kernels& kernels_;
  const Generator generator_;
  Generator::Workspace workspace_;
  double began_ = 0;
  double cpu_began_ = 0;
  double taken_ = 0;
  double cpu_taken_ = 0;
};

/// Each step on one thread, the least of several times of its own.
void print_steps(Bench& bench, int64_t frames, int repeat, double peak) {
  const std::vector<Work> work = work_of(bench.config());
  std::vector<double> least(work.size(), 1e9);
  nn::Machine alone(bench.kernels(), 1);
  for (int i = 0; i < repeat; ++i) {
    size_t step = 0;
    double last = -1;
    const auto take = [&] {
      if (last < 0) last = bench.cpu_began();
      const double now = cpu_seconds();
      if (step < least.size()) least[step] = std::min(least[step], now - last);
      ++step;
    };
    bench.run(alone, frames, [&](std::string_view, const float*, int64_t, int64_t) {
      take();
      last = cpu_seconds();
    });
    take();
  }
  double all = 0;
  double flops = 0;
  const auto print = [&](const std::string& name, double of, double seconds) {
    fmt::print("  {:<16} {:7.2f} GFLOP  {:7.1f} ms  {:5.0f} GFLOP/s  {:4.0f} %\n", name, of * 1e-9,
               seconds * 1e3, of / seconds * 1e-9, 100 * of / seconds / peak);
  };
  for (size_t i = 0; i < work.size(); ++i) {
    const double of = work[i].flops_per_frame * static_cast<double>(frames);
    print(work[i].step, of, least[i]);
    all += least[i];
    flops += of;
  }
  print("all", flops, all);
}

void main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Bench bench(options.dtype);
  const double peak_of_one = measure_cpu_peak(options.dtype, 1).best;
  double flops_per_frame = 0;
  for (const Work& step : work_of(bench.config())) flops_per_frame += step.flops_per_frame;
  fmt::print("{}, peak of a thread {:.0f} GFLOP/s; one thread, 1 s, by CPU time\n", bench.isa(),
             peak_of_one * 1e-9);
  print_steps(bench, 100, options.repeat, peak_of_one);
  for (const int threads : {1, options.threads}) {
    nn::Machine machine(bench.kernels(), threads);
    for (const double seconds : options.seconds) {
      const auto frames = static_cast<int64_t>(100 * seconds);
      std::vector<double> taken;
      double cpu_taken = 1e9;
      for (int i = 0; i < options.repeat; ++i) {
        bench.run(machine, frames);
        taken.push_back(bench.taken());
        cpu_taken = std::min(cpu_taken, bench.cpu_taken());
      }
      std::sort(taken.begin(), taken.end());
      const double median = taken[taken.size() / 2];
      const double flops = flops_per_frame * static_cast<double>(frames);
      fmt::print("{} threads, {} s: median {:.1f} ms, least {:.1f} ms, by CPU time {:.1f} ms: ", threads,
                 seconds, median * 1e3, taken.front() * 1e3, cpu_taken / threads * 1e3);
      fmt::print("{:.3f} s a second, {:.0f} GFLOP/s, {:.0f} % of the peak\n", median / seconds,
                 flops / median * 1e-9, 100 * flops / median / (peak_of_one * threads));
    }
    if (threads == options.threads) break;
  }
}

}  // namespace
}  // namespace contentvec::bench

int main(int argc, char** argv) {
  try {
    contentvec::bench::main(argc, argv);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
