// Composes the estimators: file -> weights -> salience -> Hz.

#include <atomic>
#include <thread>
#include <variant>

#include "contentvec/audio.h"
#include "contentvec/pitch.h"
#include "f0/batch_plan.h"
#include "f0/fcpe.h"
#include "f0/pitch_file.h"
#include "f0/rmvpe.h"
#include "nn/kernels/select.h"
#include "runtime/fail.h"
#include "runtime/finite.h"
#include "runtime/pool.h"

namespace contentvec {
namespace {

using Estimator = std::variant<f0::Rmvpe, f0::Fcpe>;

Estimator make_estimator(const nn::Kernels& kernels, const f0::PitchFile& file, const nn::Packers& packers) {
  if (file.method == PitchMethod::kRmvpe) {
    const f0::RmvpeConfig config = f0::infer_rmvpe(file.tensors);
    f0::check_tensors(file, f0::rmvpe_tensors(config));
    return f0::Rmvpe(kernels, file.tensors, config, packers);
  }
  const f0::FcpeConfig config = f0::infer_fcpe(file.tensors);
  std::vector<tensors::Synthetic> table = f0::fcpe_tensors(config);
  if (file.tensors.has(f0::kCentTable)) table.push_back({{f0::kCentTable, {f0::kSalienceBins}}, {}});
  f0::check_tensors(file, table);
  return f0::Fcpe(kernels, file.tensors, config);
}

/// Longer recordings' memory is not kept for the next: it would lie beside what the rest of a conversion takes.
constexpr int64_t kKeptFrames = 3000;

/// Where a pitch is written.
struct PitchSpan {
  std::span<float> f0;
  std::span<float> confidence;
};

}  // namespace

class PitchEstimator::Impl {
 public:
  Impl(const f0::PitchFile& file, const PitchLoadOptions& options)
      : method_(file.method),
        source_(file.source),
        kernels_(nn::select_kernels(options.dtype)),
        threads_(settle_threads(options.threads)),
        run_tasks_(options.run_tasks),
        estimator_(make_estimator(kernels_, file, {threads_, run_tasks_})) {}

  [[nodiscard]] PitchMethod method() const { return method_; }
  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] int64_t least_samples() const {
    return method_ == PitchMethod::kRmvpe ? f0::Rmvpe::kLeastSamples : 1;
  }

  void estimate(std::span<const float> waveform, PitchSpan pitch, const PitchOptions& options) const {
    Call call = {options, settle_threshold(options)};
    check(waveform);
    call.total = f0::Rmvpe::frames(static_cast<int64_t>(waveform.size()));
    if (pitch.f0.size() != static_cast<size_t>(call.total) || pitch.confidence.size() != pitch.f0.size()) {
      fail("there is room for {} values of f0 and {} of the confidence; this waveform has {} frames",
           pitch.f0.size(), pitch.confidence.size(), call.total);
    }
    const auto worker = team_workers_.borrow([this] { return std::make_unique<Worker>(*this, threads_); });
    estimate(*worker, waveform, call, pitch);
  }

  [[nodiscard]] std::vector<Pitch> estimate(std::span<const std::span<const float>> waveforms,
                                            const PitchOptions& options) const {
    Call call = {options, settle_threshold(options)};
    std::vector<Pitch> pitches(waveforms.size());
    for (size_t i = 0; i < waveforms.size(); ++i) {
      const int64_t frames = f0::Rmvpe::frames(static_cast<int64_t>(waveforms[i].size()));
      call.total += frames;
      call.of_one(waveforms, i, [&] { check(waveforms[i]); });
    }
    const auto estimate_one = [&](Worker& worker, size_t i) {
      call.of_one(waveforms, i, [&] {
        const auto frames = static_cast<size_t>(f0::Rmvpe::frames(static_cast<int64_t>(waveforms[i].size())));
        pitches[i] = {std::vector<float>(frames), std::vector<float>(frames)};
        estimate(worker, waveforms[i], call, {pitches[i].f0, pitches[i].confidence});
      });
    };
    const auto worker = team_workers_.borrow([this] { return std::make_unique<Worker>(*this, threads_); });
    const f0::BatchPlan plan = f0::plan_batch(waveforms, threads_);
    for (const size_t i : plan.one_by_one) estimate_one(*worker, i);
    worker->machine.context().team.parallel_for(
        static_cast<int64_t>(plan.side_by_side.size()), [&](int64_t item, int) {
          const auto solo = solo_workers_.borrow([this] { return std::make_unique<Worker>(*this, 1); });
          estimate_one(*solo, plan.side_by_side[static_cast<size_t>(item)]);
        });
    return pitches;
  }

 private:
  /// What one call at a time works with.
  struct Worker {
    Worker(const Impl& owner, int threads)
        : machine(owner.kernels_, threads, threads == 1 ? RunTasks() : owner.run_tasks_) {}
    nn::Machine machine;
    f0::Rmvpe::Workspace rmvpe;
    f0::Fcpe::Workspace fcpe;

    void forget() {
      rmvpe = {};
      fcpe = {};
    }
  };

  /// A caller's call: what it asked for, and how far it is.
  struct Call {
    const PitchOptions& options;
    float threshold;
    int64_t total = 0;
    std::atomic<int64_t> done = 0;
    std::thread::id caller = std::this_thread::get_id();

    /// Both call the caller's functions from its own thread only.
    void poll() const {
      if (options.poll && std::this_thread::get_id() == caller) options.poll();
    }
    void finish(int64_t frames) {
      done += frames;
      if (options.progress && std::this_thread::get_id() == caller) options.progress(done, total);
    }
    /// Says in an error of which waveform it is, where there are several.
    template <typename Action>
    void of_one(std::span<const std::span<const float>> waveforms, size_t i, const Action& action) const {
      try {
        action();
      } catch (const Error& error) {
        if (waveforms.size() == 1) throw;
        fail("waveform {} of {}: {}", i, waveforms.size(), error.what());
      }
    }
  };

  void estimate(Worker& worker, std::span<const float> waveform, Call& call, PitchSpan pitch) const {
    // What is called holds one reference: more would not fit into a std::function without memory of its own.
    struct {
      const Impl& owner;
      Call& call;
      PitchSpan pitch;
    } const asked = {*this, call, pitch};
    const auto poll = [&asked] { asked.call.poll(); };
    const auto take = [&asked](int64_t first, std::span<const float> salience) {
      const int64_t frames = asked.owner.decode(salience, first, asked.call.threshold, asked.pitch);
      asked.call.finish(frames);
    };
    const nn::Context context = worker.machine.context();
    if (const auto* rmvpe = std::get_if<f0::Rmvpe>(&estimator_)) {
      rmvpe->run(context, worker.rmvpe, waveform, take, poll);
    } else {
      std::get<f0::Fcpe>(estimator_).run(context, worker.fcpe, waveform, take, poll);
    }
    if (f0::Rmvpe::frames(static_cast<int64_t>(waveform.size())) > kKeptFrames) worker.forget();
  }

  [[nodiscard]] float settle_threshold(const PitchOptions& options) const {
    if (!options.threshold) return method_ == PitchMethod::kRmvpe ? 0.03F : 0.006F;
    if (!(*options.threshold > 0 && *options.threshold < 1))
      fail("the threshold is {}; expected a number above 0 and below 1", *options.threshold);
    return static_cast<float>(*options.threshold);
  }

  void check(std::span<const float> waveform) const {
    if (static_cast<int64_t>(waveform.size()) < least_samples()) {
      fail("the waveform has {} samples; {} needs at least {} ({:.1f} ms at 16 kHz)", waveform.size(),
           pitch_method_name(method_), least_samples(),
           1000.0 * static_cast<double>(least_samples()) / kSampleRate);
    }
    check_finite_samples(waveform);
  }

  /// Frames from `first` on; returns how many.
  int64_t decode(std::span<const float> salience, int64_t first, float threshold, PitchSpan pitch) const {
    if (const auto place = first_non_finite(salience)) {
      fail(
          "the model gave {} at frame {}: its weights overflow float32 on this waveform; check that the samples are "
          "nominally in [-1, 1] and the file is the right one",
          salience[*place], first + static_cast<int64_t>(*place) / f0::kSalienceBins);
    }
    const auto* fcpe = std::get_if<f0::Fcpe>(&estimator_);
    const int64_t frames = static_cast<int64_t>(salience.size()) / f0::kSalienceBins;
    for (int64_t i = 0; i < frames; ++i) {
      const auto row = salience.subspan(static_cast<size_t>(i * f0::kSalienceBins), f0::kSalienceBins);
      const f0::FramePitch decoded =
          fcpe == nullptr ? f0::decode_rmvpe(row, threshold) : f0::decode_fcpe(row, fcpe->cents(), threshold);
      pitch.f0[static_cast<size_t>(first + i)] = decoded.f0;
      pitch.confidence[static_cast<size_t>(first + i)] = decoded.confidence;
    }
    return frames;
  }

  PitchMethod method_;
  std::string source_;
  const nn::Kernels& kernels_;
  int threads_;
  RunTasks run_tasks_;
  Estimator estimator_;
  Pool<Worker> team_workers_;  ///< each with all threads
  Pool<Worker> solo_workers_;  ///< each with one
};

PitchEstimator::PitchEstimator(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

PitchEstimator PitchEstimator::load(const std::string& spec, const PitchLoadOptions& options) {
  return PitchEstimator(std::make_shared<const Impl>(f0::open_pitch_file(spec, options.hub), options));
}

PitchEstimator PitchEstimator::load(const VirtualFile& file, const PitchLoadOptions& options) {
  return PitchEstimator(std::make_shared<const Impl>(f0::open_pitch_file(file), options));
}

PitchMethod PitchEstimator::method() const {
  return impl_->method();
}

const std::string& PitchEstimator::source() const {
  return impl_->source();
}

int PitchEstimator::threads() const {
  return impl_->threads();
}

int64_t PitchEstimator::least_samples() const {
  return impl_->least_samples();
}

int64_t PitchEstimator::frames(int64_t samples) const {
  return samples < least_samples() ? 0 : f0::Rmvpe::frames(samples);
}

Pitch PitchEstimator::estimate(std::span<const float> waveform, const PitchOptions& options) const {
  return std::move(impl_->estimate(std::span(&waveform, 1), options).front());
}

void PitchEstimator::estimate_into(std::span<const float> waveform, std::span<float> f0,
                                   std::span<float> confidence, const PitchOptions& options) const {
  impl_->estimate(waveform, {f0, confidence}, options);
}

std::vector<Pitch> PitchEstimator::estimate_batch(std::span<const std::span<const float>> waveforms,
                                                  const PitchOptions& options) const {
  return impl_->estimate(waveforms, options);
}

}  // namespace contentvec
