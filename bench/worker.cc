// What bench/compare drives: the extractor in a process of its own, so that its memory can be told from its
// peers'.
//
//   contentvec-bench-worker MODEL WAVEFORM.f32 THREADS f32|bf16|f16 cpu|mlx
//
// Loads the model, prints {"load_ms", "version", "device", "isa"} as one line of JSON, then answers each line of
// standard input with one:
//   run BEGIN:END...    extracts these ranges of samples of the waveform, several as one batch; {"ms"}
//   save FILE           writes the last run's features as float32, one utterance after the other; {}
//   memory              {"mb"}: the most physical memory held so far
//   flops SAMPLES       {"gflop"} of one extraction of that many samples
//   peak                {"best", "median"}: GFLOP/s of registers alone
// bench/comparison/peer_worker.py answers the same of the other engines.

#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/peak_memory.h"
#include "contentvec/model.h"
#include "contentvec/performance.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

using Json = nlohmann::ordered_json;

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail("{}: cannot be opened", path);
  std::vector<float> values(static_cast<size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

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
    if (command == "memory") return {{"mb", static_cast<double>(cli::peak_memory()) / 1e6}};
    if (command == "flops") return flops(words);
    if (command == "peak") {
      const CpuPeak peak = measure_cpu_peak(dtype_, threads_);
      return {{"best", peak.best / 1e9}, {"median", peak.median / 1e9}};
    }
    fail("\"{}\" is no command", line);
  }

 private:
  Json run(std::istringstream& words) {
    std::vector<std::span<const float>> utterances;
    size_t begin = 0;
    size_t end = 0;
    for (char colon = 0; words >> begin >> colon >> end;) {
      if (begin > end || end > waveform_.size()) fail("{}:{} is not in the waveform", begin, end);
      utterances.push_back(std::span(waveform_).subspan(begin, end - begin));
    }
    if (utterances.empty()) fail("run what?");
    results_.resize(1);
    // The memory for one window's features is the caller's, as in a program that extracts them again and
    // again.
    const ModelConfig& config = model_.config();
    const int64_t frames = config.frames(static_cast<int64_t>(utterances.front().size()));
    if (utterances.size() == 1)
      results_[0].data.resize(static_cast<size_t>(frames * config.encoder_embed_dim));
    const auto start = std::chrono::steady_clock::now();
    if (utterances.size() == 1) {
      model_.extract_into(utterances.front(), results_[0].data);
    } else {
      results_ = model_.extract_batch(utterances);
    }
    return {{"ms", milliseconds_since(start)}};
  }

  Json save(std::istringstream& words) {
    std::string path;
    words >> path;
    std::ofstream file(path, std::ios::binary);
    for (const Features& features : results_) {
      file.write(reinterpret_cast<const char*>(features.data.data()),
                 static_cast<std::streamsize>(features.data.size() * sizeof(float)));
    }
    if (!file.flush()) fail("{}: cannot be written", path);
    return Json::object();
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
  std::vector<Features> results_;
};

int run_worker(const std::vector<std::string>& arguments) {
  if (arguments.size() != 5) fail("usage: contentvec-bench-worker MODEL WAVEFORM.f32 THREADS DTYPE DEVICE");
  const int threads = std::stoi(arguments[2]);
  const DType dtype = dtype_from_name(arguments[3]);
  std::vector<float> waveform = read_floats(arguments[1]);
  const auto start = std::chrono::steady_clock::now();
  Model model = Model::load(arguments[0],
                            {.threads = threads, .dtype = dtype, .device = device_from_name(arguments[4])});
  const double load = milliseconds_since(start);
  std::cout << Json({{"load_ms", load},
                     {"version", version()},
                     {"device", device_name(model.device())},
                     {"isa", model.isa()}})
            << std::endl;

  Worker worker(std::move(model), std::move(waveform), threads, dtype);
  for (std::string line; std::getline(std::cin, line);) std::cout << worker.answer(line) << std::endl;
  return 0;
}

}  // namespace
}  // namespace contentvec

int main(int argc, char** argv) {
  try {
    return contentvec::run_worker({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "contentvec-bench-worker: " << error.what() << '\n';
    return 1;
  }
}
