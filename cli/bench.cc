#include "cli/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "cli/console.h"
#include "cli/peak_memory.h"
#include "contentvec/audio.h"
#include "contentvec/error.h"
#include "contentvec/model.h"
#include "contentvec/performance.h"
#include "contentvec/threads.h"

namespace contentvec::cli {
namespace {

struct BenchArguments {
  std::string model = "synthetic:base";
  double seconds = 10;
  int threads = 0;
  Compute compute;
  int batch = 1;
  int runs = 10;
  bool json = false;
};

/// What was measured; times in milliseconds.
struct Measurement {
  Device device = Device::kCpu;
  std::string isa;  ///< empty on MLX
  double load = 0;
  double median = 0;
  double minimum = 0;
  double rtf = 0;
  double gflops = 0;
  std::optional<double> peak_gflops;  ///< of the CPU, where that is what computes
  double peak_rss_mb = 0;
};

template <typename Action>
double milliseconds_of(const Action& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<float> noise(int64_t samples) {
  std::minstd_rand random(1);
  std::uniform_real_distribution<float> uniform(-0.3F, 0.3F);
  std::vector<float> values(static_cast<size_t>(samples));
  for (float& value : values) value = uniform(random);
  return values;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// The samples of --seconds, which must be enough for one frame.
int64_t samples_of(const BenchArguments& arguments, const ModelConfig& config) {
  const auto samples = static_cast<int64_t>(std::llround(arguments.seconds * kSampleRate));
  if (samples < config.receptive_field()) {
    throw UsageError(fmt::format("--seconds {} is {} samples; this model needs at least {} for one frame",
                                 arguments.seconds, samples, config.receptive_field()));
  }
  return samples;
}

/// Times of --runs extractions of the same batch, after one that warms up.
std::vector<double> time_runs(const Model& model, const std::vector<float>& waveform,
                              const BenchArguments& arguments) {
  const std::vector<std::span<const float>> batch(static_cast<size_t>(arguments.batch), waveform);
  const std::vector<float> speaker(
      model.config().speaker_conditioned() ? static_cast<size_t>(model.config().speaker_dim) : 0, 0.1F);
  const ExtractOptions options = {.speaker_embedding = speaker};
  std::vector<Features> features = model.extract_batch(batch, options);
  std::vector<double> times;
  times.reserve(static_cast<size_t>(arguments.runs));
  for (int run = 0; run < arguments.runs; ++run) {
    times.push_back(milliseconds_of([&] { features = model.extract_batch(batch, options); }));
  }
  return times;
}

Measurement measure(const BenchArguments& arguments, int threads) {
  const LoadOptions options = arguments.compute.options(threads);
  std::optional<Model> model;
  Measurement result;
  result.load = milliseconds_of([&] { model = Model::load(arguments.model, options); });
  result.device = model->device();
  result.isa = model->isa();
  const std::vector<float> waveform = noise(samples_of(arguments, model->config()));

  const bool on_cpu = result.device == Device::kCpu;
  const auto peak = [&] { return measure_cpu_peak(options.dtype, threads).best / 1e9; };
  if (on_cpu) result.peak_gflops = peak();
  const std::vector<double> times = time_runs(*model, waveform, arguments);
  if (on_cpu) result.peak_gflops = std::max(*result.peak_gflops, peak());

  const int64_t frames = model->config().frames(static_cast<int64_t>(waveform.size()));
  result.median = median_of(times);
  result.minimum = *std::min_element(times.begin(), times.end());
  result.rtf = result.median / 1e3 / (arguments.seconds * arguments.batch);
  result.gflops = arguments.batch * flops(model->info(), frames) / (result.median * 1e6);
  result.peak_rss_mb = static_cast<double>(peak_memory()) / 1e6;
  return result;
}

std::string as_json(const BenchArguments& arguments, int threads, const Measurement& m) {
  return json_line({{"seconds", arguments.seconds},
                    {"batch", arguments.batch},
                    {"threads", threads},
                    {"dtype", arguments.compute.dtype},
                    {"device", device_name(m.device)},
                    {"isa", m.isa.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(m.isa)},
                    {"runs", arguments.runs},
                    {"load_ms", m.load},
                    {"median_ms", m.median},
                    {"min_ms", m.minimum},
                    {"rtf", m.rtf},
                    {"gflops", m.gflops},
                    {"peak_gflops", m.peak_gflops ? nlohmann::ordered_json(*m.peak_gflops) : nullptr},
                    {"peak_rss_mb", m.peak_rss_mb}});
}

std::string as_text(const BenchArguments& arguments, int threads, const Measurement& m) {
  const std::string share = m.peak_gflops
                                ? fmt::format(", {:.1f} % of the {:.1f} this processor can do at most",
                                              100 * m.gflops / *m.peak_gflops, *m.peak_gflops)
                                : "";
  return fmt::format(
      "{}: {} x {:g} s of audio, {} threads, {}, {}, {} runs\n"
      "load      {:.1f} ms\n"
      "extract   {:.2f} ms (median), {:.2f} ms (fastest)\n"
      "rtf       {:.5f} (seconds of processing per second of audio; {:.0f}x real time)\n"
      "speed     {:.1f} GFLOP/s{}\n"
      "memory    {:.1f} MB at the peak",
      arguments.model, arguments.batch, arguments.seconds, threads, arguments.compute.dtype,
      m.isa.empty() ? device_name(m.device) : m.isa, arguments.runs, m.load, m.median, m.minimum, m.rtf,
      1 / m.rtf, m.gflops, share, m.peak_rss_mb);
}

int run(const BenchArguments& arguments) {
  const int threads = arguments.threads == 0 ? usable_cpus() : arguments.threads;
  const Measurement result = measure(arguments, threads);
  print_or_throw(arguments.json ? as_json(arguments, threads, result) : as_text(arguments, threads, result));
  return kDone;
}

}  // namespace

Command add_bench(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("bench", "Measure how fast a model is on this machine");
  const auto a = std::make_shared<BenchArguments>();
  Options options(*parser);
  options.add(
      "--model", a->model,
      "A checkpoint file, a Hugging Face directory, or synthetic:base (default), whose loading time is "
      "that of making the weights up",
      "SPEC");
  options.add("--seconds", a->seconds, "Length of each waveform (default: 10)", "S")
      ->check(number_in(0.001, 3600.0));
  options.add("--threads", a->threads, "Threads of one extraction on the CPU (default: one per CPU)", "N")
      ->check(number_in(0, kMaxThreads));
  add_compute(*parser, a->compute);
  options.add("--batch", a->batch, "Waveforms in one extraction (default: 1)", "B")
      ->check(number_in(1, 1024));
  options.add("--runs", a->runs, "Extractions to time, after one that warms up (default: 10)", "R")
      ->check(number_in(1, 100000));
  parser->add_flag("--json", a->json, "Print one JSON object instead of text");
  parser->footer(
      "rtf is the real-time factor: seconds of processing per second of audio, from the median.\n"
      "gflops counts two operations for each product of the convolutions, linear layers and attention;\n"
      "peak_gflops is what a loop over registers alone reaches on as many threads in the same run, with the\n"
      "instruction that the products use (null on MLX). peak_rss_mb is the most physical memory held, in "
      "units of 1e6 bytes.");
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
