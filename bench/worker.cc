// What bench/compare drives: the extractor in a process of its own, so that its memory can be told from its
// peers'.
//
//   contentvec-bench-worker MODEL WAVEFORM.f32 THREADS f32|bf16|f16|tf32 cpu|mlx|gpu
//
// Loads the model, prints {"load_ms", "version", "device", "isa"} as one line of JSON, then answers each line of
// standard input with one:
//   run BEGIN:END...    extracts these ranges of samples of the waveform, several as one batch; {"ms", "cpu_ms"}, the
//                       latter of all threads
//   layer N             what is extracted from then on, as Stage::layer; {}
//   save FILE           writes the last run's features as float32, one utterance after the other; {}
//   memory              {"mb"}: the most physical memory held so far
//   flops SAMPLES       {"gflop"} of one extraction of that many samples
//   peak                {"best", "median"}: GFLOP/s of registers alone
// bench/comparison/peer_worker.py answers the same of the other engines.

#include <ctime>
#include <string>
#include <vector>

#include "bench/protocol.h"
#include "contentvec/model.h"
#include "contentvec/performance.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

using bench::Json;

class Worker {
 public:
  Worker(Model model, std::vector<float> waveform, int threads, DType dtype)
      : model_(std::move(model)), waveform_(std::move(waveform)), threads_(threads), dtype_(dtype) {}

  Json answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "run") return run(words);
    if (command == "save") return save(words);
    if (command == "flops") return flops(words);
    if (command == "layer") return choose_layer(words);
    return bench::answer_of_machine(command, dtype_, threads_);
  }

 private:
  Json run(std::istringstream& words) {
    const std::vector<std::span<const float>> utterances = bench::read_ranges(words, waveform_);
    results_.resize(1);
    // The memory for one window's features is the caller's, as in a program that extracts them again and
    // again.
    const ModelConfig& config = model_.config();
    const int64_t frames = config.frames(static_cast<int64_t>(utterances.front().size()));
    if (utterances.size() == 1)
      results_[0].data.resize(static_cast<size_t>(frames * config.encoder_embed_dim));
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu_start = std::clock();
    if (utterances.size() == 1) {
      model_.extract_into(utterances.front(), results_[0].data, {.layer = layer_});
    } else {
      results_ = model_.extract_batch(utterances, {.layer = layer_});
    }
    const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC * 1e3;
    return {{"ms", bench::milliseconds_since(start)}, {"cpu_ms", cpu}};
  }

  Json choose_layer(std::istringstream& words) {
    words >> layer_;
    return Json::object();
  }

  Json save(std::istringstream& words) {
    std::vector<float> all;
    for (const Features& features : results_)
      all.insert(all.end(), features.data.begin(), features.data.end());
    return bench::save(words, all);
  }

  Json flops(std::istringstream& words) {
    int64_t samples = 0;
    words >> samples;
    return {{"gflop", contentvec::flops(model_.info(), model_.config().frames(samples)) / 1e9}};
  }

  Model model_;
  std::vector<float> waveform_;
  int threads_;
  DType dtype_;
  int layer_ = kModelOutput;
  std::vector<Features> results_;
};

int run_worker(const std::vector<std::string>& arguments) {
  if (arguments.size() != 5) fail("usage: contentvec-bench-worker MODEL WAVEFORM.f32 THREADS DTYPE DEVICE");
  const int threads = std::stoi(arguments[2]);
  const DType dtype = dtype_from_name(arguments[3]);
  std::vector<float> waveform = bench::read_floats(arguments[1]);
  const auto start = std::chrono::steady_clock::now();
  Model model = Model::load(arguments[0],
                            {.threads = threads, .dtype = dtype, .device = device_from_name(arguments[4])});
  const double load = bench::milliseconds_since(start);
  std::cout << Json({{"load_ms", load},
                     {"version", version()},
                     {"device", device_name(model.device())},
                     {"isa", model.isa()}})
            << std::endl;

  Worker worker(std::move(model), std::move(waveform), threads, dtype);
  bench::serve(worker);
  return 0;
}

}  // namespace
}  // namespace contentvec

int main(int argc, char** argv) {
  return contentvec::bench::run_program(argc, argv, contentvec::run_worker);
}
