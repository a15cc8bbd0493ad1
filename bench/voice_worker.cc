// What bench/compare --voice drives: a voice, or a whole conversion, in a process of its own.
//
//   contentvec-bench-voice-worker synthesize VOICE FEATURES.f32 F0.f32 THREADS f32|bf16
//   contentvec-bench-voice-worker convert VOICE MODEL PITCH WAVEFORM.f32 THREADS f32|bf16
//
// Loads what it names, prints {"load_ms", "version"} as one line of JSON, then answers each line of standard input with
// one:
//   run BEGIN:END     synthesizes these frames, or converts these samples; {"ms", "cpu_ms"}: of the clock, and of the
//                     process
//   save FILE         writes as float32 what the last run's frames give without noise; {}
//   memory, peak      as contentvec-bench-worker
// bench/comparison/voice_peer_worker.py answers the same of the other engines.

#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/protocol.h"
#include "contentvec/converter.h"
#include "contentvec/version.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

using bench::Json;
using Range = std::pair<size_t, size_t>;

/// Answers for whatever `work` does with a range, of which the second of its arguments says whether it is to be without
/// noise.
class VoiceWorker {
 public:
  using Work = std::function<std::vector<float>(Range range, bool silent)>;
  VoiceWorker(Work work, DType dtype, int threads)
      : work_(std::move(work)), dtype_(dtype), threads_(threads) {}

  Json answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "run") return run(words);
    if (command == "save") return bench::save(words, work_(range_, true));
    return bench::answer_of_machine(command, dtype_, threads_);
  }

 private:
  Json run(std::istringstream& words) {
    char colon = 0;
    if (!(words >> range_.first >> colon >> range_.second)) fail("run what?");
    const std::clock_t cpu_start = std::clock();
    const auto start = std::chrono::steady_clock::now();
    work_(range_, false);
    const double ms = bench::milliseconds_since(start);
    return {{"ms", ms}, {"cpu_ms", 1e3 * static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC}};
  }

  Work work_;
  DType dtype_;
  int threads_;
  Range range_ = {0, 0};
};

/// A part of what a file holds, `width` values for each place.
std::span<const float> part_of(std::span<const float> values, Range range, size_t width) {
  if (range.first > range.second || range.second * width > values.size())
    fail("{}:{} is not in the file", range.first, range.second);
  return values.subspan(range.first * width, (range.second - range.first) * width);
}

VoiceWorker::Work synthesis(const Voice& voice, std::vector<float> features, std::vector<float> f0) {
  return [voice, features = std::move(features), f0 = std::move(f0)](Range range, bool silent) {
    const VoiceInfo& info = voice.info();
    VoiceInput input = {.features = part_of(features, range, static_cast<size_t>(info.feature_dim)),
                        .f0 = part_of(f0, range, 1)};
    const auto frames = static_cast<int64_t>(input.f0.size());
    constexpr int64_t kLatent = 192;
    const std::vector<float> zeros(static_cast<size_t>(frames * std::max(kLatent, info.samples_per_frame)));
    if (silent) {
      input.latent_noise = std::span(zeros).first(static_cast<size_t>(frames * kLatent));
      input.source_noise = std::span(zeros).first(static_cast<size_t>(frames * info.samples_per_frame));
    }
    return voice.synthesize(input);
  };
}

VoiceWorker::Work conversion(const Converter& converter, std::vector<float> waveform) {
  return [converter, waveform = std::move(waveform)](Range range, bool) {
    return converter.convert(part_of(waveform, range, 1), 16000).waveform;
  };
}

int run_voice_worker(const std::vector<std::string>& arguments) {
  const bool is_whole = !arguments.empty() && arguments[0] == "convert";
  if (arguments.size() != (is_whole ? 7U : 6U)) {
    fail(
        "usage: contentvec-bench-voice-worker synthesize VOICE FEATURES F0 THREADS DTYPE | convert VOICE MODEL PITCH "
        "WAVEFORM THREADS DTYPE");
  }
  const DType dtype = dtype_from_name(arguments.back());
  const int threads = std::stoi(arguments[arguments.size() - 2]);
  const auto start = std::chrono::steady_clock::now();
  const Voice voice = Voice::load(arguments[1], {.threads = threads, .dtype = dtype});
  std::optional<Converter> converter;
  if (is_whole) {
    converter.emplace(Model::load(arguments[2], {.threads = threads, .dtype = dtype}),
                      PitchEstimator::load(arguments[3], {.threads = threads, .dtype = dtype}), voice);
  }
  std::cout << Json({{"load_ms", bench::milliseconds_since(start)}, {"version", version()}}) << std::endl;
  VoiceWorker worker(
      is_whole ? conversion(*converter, bench::read_floats(arguments[4]))
               : synthesis(voice, bench::read_floats(arguments[2]), bench::read_floats(arguments[3])),
      dtype, voice.threads());
  bench::serve(worker);
  return 0;
}

}  // namespace
}  // namespace contentvec

int main(int argc, char** argv) {
  return contentvec::bench::run_program(argc, argv, contentvec::run_voice_worker);
}
