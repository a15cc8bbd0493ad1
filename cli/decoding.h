#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "cli/plan.h"

namespace contentvec::cli {

/// An input, decoded, or why it was not.
struct Recording {
  const Job* job = nullptr;
  std::vector<float> waveform = {};  ///< 16 kHz mono, padded; empty where it was skipped or could not be read
  /// With each_channel, 16 kHz, of several channels; the waveform is then their mean.
  std::vector<std::vector<float>> channels = {};
  double audio_seconds = 0;  ///< without the padding
  double seconds = 0;        ///< that decoding took
  bool skipped = false;      ///< its output is there already
  std::vector<std::string> warnings = {};
  std::string problem = {};
};

/// Decodes the inputs ahead, on threads of its own, and hands them out in the order of the jobs. Holds back
/// while much is waiting, so that memory is bounded by `Options::most_samples` and one recording per thread.
class Decoding {
 public:
  struct Options {
    int threads = 1;
    int64_t most_samples = 0;  ///< that may be waiting before the next recording is begun
    int64_t pad = 0;           ///< zeros to put before and after each waveform
    bool only_16k = false;     ///< other sample rates are an error instead of being resampled
    bool each_channel = false;
    /// With --skip-existing: throws where what is at a job's outputs, which are all there, is not what this run
    /// writes. Empty: nothing is skipped.
    std::function<void(const Job&)> check_existing = {};
  };
  /// The jobs must outlive it.
  Decoding(std::span<const Job> jobs, const Options& options);
  ~Decoding();
  Decoding(const Decoding&) = delete;
  Decoding& operator=(const Decoding&) = delete;

  /// The next recording, waited for; nothing at the end.
  std::optional<Recording> next();
  /// The next recording if it is there already and has at most so many samples.
  std::optional<Recording> next_if_ready(int64_t most_samples);

 private:
  void decode_jobs();
  [[nodiscard]] Recording decode(const Job& job) const;
  [[nodiscard]] bool is_there(const Job& job, Recording& recording) const;
  Recording take_first();  ///< with the lock held

  std::span<const Job> jobs_;
  Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<size_t, Recording> decoded_;  ///< by the number of the job
  size_t begun_ = 0;                     ///< jobs
  size_t taken_ = 0;                     ///< jobs
  int64_t waiting_ = 0;                  ///< samples in decoded_
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace contentvec::cli
