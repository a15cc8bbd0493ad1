// What bench/compare --pitch drives: a pitch estimator in a process of its own.
//
//   contentvec-bench-pitch-worker MODEL WAVEFORM.f32 THREADS f32|bf16
//
// Loads the estimator, prints {"load_ms", "version"} as one line of JSON, then answers each line of standard input with
// one:
//   run BEGIN:END...    estimates the pitch of these ranges of samples, several as one batch; {"ms", "cpu_ms"}: of
//                       the clock, and of the process
//   save FILE           writes the last run's f0 as float32, one recording after the other; {}
//   memory, peak        as contentvec-bench-worker
// bench/comparison/pitch_peer_worker.py answers the same of the other engines.

#include <ctime>
#include <string>
#include <vector>

#include "bench/protocol.h"
#include "contentvec/pitch.h"
#include "contentvec/version.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

using bench::Json;

class PitchWorker {
 public:
  PitchWorker(PitchEstimator estimator, std::vector<float> waveform, DType dtype)
      : estimator_(std::move(estimator)), waveform_(std::move(waveform)), dtype_(dtype) {}

  Json answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "run") return run(words);
    if (command == "save") return save(words);
    return bench::answer_of_machine(command, dtype_, estimator_.threads());
  }

 private:
  Json run(std::istringstream& words) {
    const std::vector<std::span<const float>> recordings = bench::read_ranges(words, waveform_);
    const std::clock_t cpu_start = std::clock();
    const auto start = std::chrono::steady_clock::now();
    pitches_ = estimator_.estimate_batch(recordings);
    const double ms = bench::milliseconds_since(start);
    return {{"ms", ms}, {"cpu_ms", 1e3 * static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC}};
  }

  Json save(std::istringstream& words) {
    std::vector<float> all;
    for (const Pitch& pitch : pitches_) all.insert(all.end(), pitch.f0.begin(), pitch.f0.end());
    return bench::save(words, all);
  }

  PitchEstimator estimator_;
  std::vector<float> waveform_;
  DType dtype_;
  std::vector<Pitch> pitches_;
};

int run_pitch_worker(const std::vector<std::string>& arguments) {
  if (arguments.size() != 4) fail("usage: contentvec-bench-pitch-worker MODEL WAVEFORM.f32 THREADS DTYPE");
  const DType dtype = dtype_from_name(arguments[3]);
  std::vector<float> waveform = bench::read_floats(arguments[1]);
  const auto start = std::chrono::steady_clock::now();
  PitchEstimator estimator =
      PitchEstimator::load(arguments[0], {.threads = std::stoi(arguments[2]), .dtype = dtype});
  std::cout << Json({{"load_ms", bench::milliseconds_since(start)}, {"version", version()}}) << std::endl;
  PitchWorker worker(std::move(estimator), std::move(waveform), dtype);
  bench::serve(worker);
  return 0;
}

}  // namespace
}  // namespace contentvec

int main(int argc, char** argv) {
  return contentvec::bench::run_program(argc, argv, contentvec::run_pitch_worker);
}
