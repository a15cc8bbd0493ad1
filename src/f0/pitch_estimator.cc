// Composes the estimators: file -> weights -> salience -> Hz.

#include <variant>

#include "contentvec/audio.h"
#include "contentvec/model.h"
#include "contentvec/pitch.h"
#include "f0/fcpe.h"
#include "f0/pitch_file.h"
#include "f0/rmvpe.h"
#include "f0/salience.h"
#include "nn/kernels/select.h"
#include "runtime/fail.h"
#include "runtime/finite.h"
#include "runtime/pool.h"

namespace contentvec {
namespace {

using Estimator = std::variant<f0::Rmvpe, f0::Fcpe>;

Estimator make_estimator(const nn::Kernels& kernels, const f0::PitchFile& file) {
  if (file.method == PitchMethod::kRmvpe) {
    const f0::RmvpeConfig config = f0::infer_rmvpe(file.tensors);
    f0::check_tensors(file, f0::rmvpe_tensors(config));
    return f0::Rmvpe(kernels, file.tensors, config);
  }
  const f0::FcpeConfig config = f0::infer_fcpe(file.tensors);
  f0::check_tensors(file, f0::fcpe_tensors(config));
  return f0::Fcpe(kernels, file.tensors, config);
}

}  // namespace

class PitchEstimator::Impl {
 public:
  Impl(const f0::PitchFile& file, const PitchLoadOptions& options)
      : method_(file.method),
        source_(file.source),
        kernels_(nn::select_kernels(options.dtype)),
        threads_(settle_threads(options.threads)),
        run_tasks_(options.run_tasks),
        estimator_(make_estimator(kernels_, file)) {}

  [[nodiscard]] PitchMethod method() const { return method_; }
  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] int64_t least_samples() const {
    return method_ == PitchMethod::kRmvpe ? f0::Rmvpe::kLeastSamples : 1;
  }

  [[nodiscard]] Pitch estimate(std::span<const float> waveform, const PitchOptions& options) const {
    const float threshold = settle_threshold(options);
    check(waveform);
    const auto worker = pool_.borrow([this] { return std::make_unique<Worker>(*this); });
    if (options.poll) options.poll();
    const int64_t frames = static_cast<int64_t>(waveform.size()) / f0::Rmvpe::kHop + 1;
    worker->salience.resize(static_cast<size_t>(frames * f0::kSalienceBins));
    const nn::Context context = {kernels_, worker->team, worker->scratch};
    if (const auto* rmvpe = std::get_if<f0::Rmvpe>(&estimator_)) {
      rmvpe->run(context, worker->rmvpe, waveform, worker->salience.data());
    } else {
      std::get<f0::Fcpe>(estimator_).run(context, worker->fcpe, waveform, worker->salience.data());
    }
    if (options.poll) options.poll();
    return decode(worker->salience, threshold);
  }

 private:
  /// What one call at a time works with.
  struct Worker {
    explicit Worker(const Impl& owner) : team(owner.threads_, owner.run_tasks_) {
      scratch.prepare(owner.kernels_, owner.threads_);
    }
    ThreadTeam team;
    nn::Scratch scratch;
    f0::Rmvpe::Workspace rmvpe;
    f0::Fcpe::Workspace fcpe;
    std::vector<float> salience;
  };

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

  [[nodiscard]] Pitch decode(std::span<const float> salience, float threshold) const {
    if (const auto place = first_non_finite(salience)) {
      fail(
          "the model gave {} at frame {}: its weights overflow float32 on this waveform; check that the samples are "
          "nominally in [-1, 1] and the file is the right one",
          salience[*place], *place / static_cast<size_t>(f0::kSalienceBins));
    }
    const auto frames = salience.size() / static_cast<size_t>(f0::kSalienceBins);
    Pitch pitch = {std::vector<float>(frames), std::vector<float>(frames)};
    for (size_t frame = 0; frame < frames; ++frame) {
      const auto row = salience.subspan(frame * f0::kSalienceBins, f0::kSalienceBins);
      const auto* fcpe = std::get_if<f0::Fcpe>(&estimator_);
      const f0::FramePitch decoded =
          fcpe == nullptr ? f0::decode_rmvpe(row, threshold) : f0::decode_fcpe(row, fcpe->cents(), threshold);
      pitch.f0[frame] = decoded.f0;
      pitch.confidence[frame] = decoded.confidence;
    }
    return pitch;
  }

  PitchMethod method_;
  std::string source_;
  const nn::Kernels& kernels_;
  int threads_;
  RunTasks run_tasks_;
  Estimator estimator_;
  Pool<Worker> pool_;
};

PitchEstimator::PitchEstimator(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

PitchEstimator PitchEstimator::load(const std::string& spec, const PitchLoadOptions& options) {
  return PitchEstimator(std::make_shared<const Impl>(f0::open_pitch_file(spec, options.hub), options));
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

Pitch PitchEstimator::estimate(std::span<const float> waveform, const PitchOptions& options) const {
  return impl_->estimate(waveform, options);
}

}  // namespace contentvec
