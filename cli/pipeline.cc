#include "cli/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "contentvec/audio.h"

namespace contentvec::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int64_t samples_in(double seconds) {
  constexpr double kMost = 1e15;
  return static_cast<int64_t>(std::min(seconds * kSampleRate, kMost));
}

/// The longest recording that is not cut.
int64_t longest_whole(const LongAudioOptions& cut) {
  return cut.max_seconds > 0 ? samples_in(cut.max_seconds) : std::numeric_limits<int64_t>::max();
}

/// The model's place between decoding and writing.
class Batches {
 public:
  Batches(const Extraction& extraction, Decoding& decoding, Writing& writing)
      : extraction_(extraction), decoding_(decoding), writing_(writing) {}

  void run() {
    while (std::optional<Recording> first = decoding_.next()) extract(batch_from(std::move(*first)));
  }

 private:
  /// `first`, and what else is decoded by now, as far as it fits; what is to be cut goes alone.
  std::vector<Recording> batch_from(Recording first) {
    const auto samples = static_cast<int64_t>(first.waveform.size());
    const int64_t longest = longest_whole(extraction_.cut);
    int64_t room = samples > longest ? 0 : samples_in(extraction_.batch_seconds) - samples;
    std::vector<Recording> batch;
    batch.push_back(std::move(first));
    while (room > 0) {
      std::optional<Recording> more = decoding_.next_if_ready(std::min(room, longest));
      if (!more) break;
      room -= static_cast<int64_t>(more->waveform.size());
      batch.push_back(std::move(*more));
    }
    return batch;
  }

  /// One after the other where one of them spoils the batch: by being too short, say, or by what memory it
  /// needs.
  void extract(std::vector<Recording> batch) {
    if (batch.size() == 1 || !extract_together(batch)) {
      for (Recording& recording : batch) extract_alone(recording);
    }
  }

  /// False when that failed, and nothing is done.
  bool extract_together(const std::vector<Recording>& batch) {
    std::vector<std::span<const float>> waveforms;
    size_t samples = 0;
    for (const Recording& recording : batch) {
      if (recording.waveform.empty()) continue;
      waveforms.emplace_back(recording.waveform);
      samples += recording.waveform.size();
    }
    const auto start = Clock::now();
    std::vector<std::vector<Features>> results;
    try {
      results = extraction_.model.extract_batch_stages(waveforms, extraction_.stages, extraction_.options);
      for (std::vector<Features>& stages : results) blend(stages);
    } catch (const std::exception&) {
      return false;
    }
    const double seconds_per_sample = seconds_since(start) / static_cast<double>(samples);
    auto result = results.begin();
    for (const Recording& recording : batch) {
      if (recording.waveform.empty()) {
        push_without_features(recording);
        continue;
      }
      const double share = seconds_per_sample * static_cast<double>(recording.waveform.size());
      push(recording, 0, std::move(*result++), recording.seconds + share);
    }
    return true;
  }

  void blend(std::vector<Features>& stages) const {
    if (!extraction_.retriever) return;
    for (Features& stage : stages) {
      stage = extraction_.retriever->blend(stage, extraction_.index_rate, extraction_.nprobe);
    }
  }

  void extract_alone(Recording& recording) {
    if (recording.waveform.empty()) return push_without_features(recording);
    auto start = Clock::now();
    double decoding = recording.seconds;  // counted with the first part
    try {
      extract_pieces(extraction_.model, recording.waveform, extraction_.stages, extraction_.cut,
                     extraction_.options, [&](int64_t first_frame, std::vector<Features> stages) {
                       blend(stages);
                       push(recording, first_frame, std::move(stages),
                            std::exchange(decoding, 0) + seconds_since(start));
                       start = Clock::now();
                     });
      return;
    } catch (const std::bad_alloc&) {
      recording.problem = "out of memory; cut the recording into shorter ones, or lower --max-seconds";
    } catch (const std::exception& error) {
      recording.problem = error.what();
    }
    push_without_features(recording);
  }

  void push(const Recording& recording, int64_t first_frame, std::vector<Features> stages, double seconds) {
    const ModelConfig& config = extraction_.model.config();
    const int64_t all = config.frames(static_cast<int64_t>(recording.waveform.size()));
    const int64_t frames = stages.front().frames;
    const bool last = first_frame + frames == all;
    writing_.push({.job = recording.job,
                   .all_frames = all,
                   .first_frame = first_frame,
                   .stages = std::move(stages),
                   .audio_seconds = recording.audio_seconds,
                   .seconds = seconds,
                   .last = last,
                   .warnings = last ? recording.warnings : std::vector<std::string>()});
  }

  void push_without_features(const Recording& recording) {
    writing_.push(
        {.job = recording.job, .last = true, .skipped = recording.skipped, .problem = recording.problem});
  }

  const Extraction& extraction_;
  Decoding& decoding_;
  Writing& writing_;
};

}  // namespace

void extract_all(const Extraction& extraction, std::span<const Job> jobs, Report& report) {
  Decoding::Options ahead = extraction.decoding;
  ahead.most_samples = samples_in(extraction.batch_seconds);
  Writing writing(extraction.writing, report);
  Decoding decoding(jobs, ahead);
  Batches(extraction, decoding, writing).run();
  writing.finish();
}

}  // namespace contentvec::cli
