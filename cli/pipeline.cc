#include "cli/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "cli/writing.h"
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

/// A recording from its decoding to its last piece.
struct InHand {
  Recording recording;
  std::optional<PlannedRecording> plan = {};  ///< nothing where there are no features to come
  std::shared_ptr<StagedOutput> output = {};
  size_t begun = 0;     ///< pieces that were put into a batch
  bool failed = false;  ///< one of its pieces did, and that was said

  [[nodiscard]] bool has_more() const { return plan && !failed && begun < plan->pieces().size(); }
};

/// What is next for a recording: one of its pieces or, where there is no plan, that it has no features.
struct Step {
  InHand* of;
  size_t number;  ///< of the piece

  [[nodiscard]] const Piece& piece() const { return of->plan->pieces()[number]; }
  [[nodiscard]] int64_t samples() const { return of->plan ? piece().samples : 0; }
};

/// The model's place between decoding and writing.
class Batches {
 public:
  Batches(const Extraction& extraction, Decoding& decoding, Writing& writing)
      : extraction_(extraction), decoding_(decoding), writing_(writing) {}

  void run() {
    while (take_in(decoding_.next())) {
      while (!in_hand_.empty()) {
        extract(next_batch());
        while (!in_hand_.empty() && !in_hand_.front().has_more()) in_hand_.pop_front();
      }
    }
  }

 private:
  /// Plans a recording; false where there is none.
  bool take_in(std::optional<Recording> decoded) {
    if (!decoded) return false;
    InHand& taken = in_hand_.emplace_back(InHand{std::move(*decoded)});
    if (taken.recording.waveform.empty()) return true;
    try {
      taken.plan.emplace(taken.recording.waveform, extraction_.model.config(), extraction_.long_audio,
                         extraction_.options.normalize);
      taken.output = output_of(taken);
    } catch (const std::exception& error) {
      taken.recording.problem = error.what();
    }
    return true;
  }

  [[nodiscard]] std::shared_ptr<StagedOutput> output_of(const InHand& of) const {
    const Job& job = *of.recording.job;
    if (extraction_.units) return std::make_shared<UnitOutput>(job, frames_of(of), *extraction_.units);
    return std::make_shared<FeatureOutput>(job, of.recording.waveform, frames_of(of), extraction_.writing);
  }

  /// The next steps of what is in hand and of what else is decoded by now, as far as they fit; at least one.
  /// The last recording in hand is the only one that can have more.
  std::vector<Step> next_batch() {
    std::vector<Step> batch;
    int64_t room = samples_in(extraction_.batch_seconds);
    do {
      InHand& last = in_hand_.back();
      if (!last.plan) batch.push_back({&last, 0});
      for (; last.has_more(); ++last.begun) {
        const Step step = {&last, last.begun};
        if (!batch.empty() && step.samples() > room) return batch;
        batch.push_back(step);
        room -= step.samples();
      }
    } while (room > 0 && take_in(decoding_.next_if_ready(room)));
    return batch;
  }

  /// One after the other where one of them spoils the batch, by what memory it needs, say.
  void extract(const std::vector<Step>& batch) {
    if (batch.size() == 1 || !extract_together(batch)) {
      for (const Step& step : batch) extract_alone(step);
    }
  }

  /// False when that failed, and nothing is done.
  bool extract_together(const std::vector<Step>& batch) {
    const auto start = Clock::now();
    std::vector<std::vector<Features>> results;
    try {
      results = features_of(batch);
    } catch (const std::exception&) {
      return false;
    }
    int64_t samples = 0;
    for (const Step& step : batch) samples += step.samples();
    const double seconds_per_sample = seconds_since(start) / static_cast<double>(samples);
    auto result = results.begin();
    for (const Step& step : batch) {
      if (step.of->plan) {
        push(step, std::move(*result++), seconds_per_sample * static_cast<double>(step.samples()));
      } else {
        push_without_features(*step.of);
      }
    }
    return true;
  }

  void extract_alone(const Step& step) {
    InHand& of = *step.of;
    if (of.failed) return;
    const auto start = Clock::now();
    try {
      if (of.plan) {
        std::vector<std::vector<Features>> results = features_of(std::span(&step, 1));
        return push(step, std::move(results.front()), seconds_since(start));
      }
    } catch (const std::bad_alloc&) {
      of.recording.problem = "out of memory; cut the recording into shorter ones, or lower --max-seconds";
    } catch (const std::exception& error) {
      of.recording.problem = error.what();
    }
    of.failed = true;
    push_without_features(of);
  }

  /// Of every step that has a piece, blended with the index.
  [[nodiscard]] std::vector<std::vector<Features>> features_of(std::span<const Step> batch) const {
    std::vector<PlannedPiece> pieces;
    pieces.reserve(batch.size());
    for (const Step& step : batch) {
      if (step.of->plan) pieces.push_back({&*step.of->plan, step.number});
    }
    auto results = extract_piece_batch(extraction_.model, pieces, extraction_.stages, extraction_.options);
    for (std::vector<Features>& stages : results) blend(stages);
    return results;
  }

  void blend(std::vector<Features>& stages) const {
    if (!extraction_.retriever) return;
    for (Features& stage : stages) {
      stage = extraction_.retriever->blend(stage, extraction_.index_rate, extraction_.nprobe);
    }
  }

  [[nodiscard]] int64_t frames_of(const InHand& of) const {
    return extraction_.model.config().frames(static_cast<int64_t>(of.recording.waveform.size()));
  }

  /// `seconds`: that the model took; what decoding took is counted with the first piece.
  void push(const Step& step, std::vector<Features> stages, double seconds) {
    const Recording& recording = step.of->recording;
    const Piece& piece = step.piece();
    const int64_t all = frames_of(*step.of);
    const bool last = piece.first_frame + piece.frames == all;
    size_t bytes = 0;
    for (const Features& stage : stages) bytes += stage.data.size() * sizeof(float);
    const auto held = std::make_shared<const std::vector<Features>>(std::move(stages));
    writing_.push({.job = recording.job,
                   .write = [output = step.of->output, first = piece.first_frame,
                             held] { return output->write(first, *held); },
                   .bytes = bytes,
                   .audio_seconds = recording.audio_seconds,
                   .share = static_cast<double>(piece.frames) / static_cast<double>(all),
                   .seconds = seconds + (step.number == 0 ? recording.seconds : 0),
                   .last = last,
                   .warnings = last ? recording.warnings : std::vector<std::string>()});
  }

  void push_without_features(InHand& of) {
    of.output.reset();  // what is unfinished is dropped before that is said
    writing_.push(
        {.job = of.recording.job, .skipped = of.recording.skipped, .problem = of.recording.problem});
  }

  const Extraction& extraction_;
  Decoding& decoding_;
  Writing& writing_;
  std::deque<InHand> in_hand_;  ///< steps point into it
};

}  // namespace

void extract_all(const Extraction& extraction, std::span<const Job> jobs, Report& report) {
  Decoding::Options ahead = extraction.decoding;
  ahead.most_samples = samples_in(extraction.batch_seconds);
  Writing writing(report);
  Decoding decoding(jobs, ahead);
  Batches(extraction, decoding, writing).run();
  writing.finish();
}

}  // namespace contentvec::cli
