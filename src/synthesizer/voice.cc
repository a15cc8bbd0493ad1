// Composes a voice: file -> weights -> samples.

#include "contentvec/voice.h"

#include <utility>

#include "nn/kernels/select.h"
#include "runtime/fail.h"
#include "runtime/finite.h"
#include "runtime/pool.h"
#include "synthesizer/synthesizer.h"
#include "synthesizer/voice_file.h"

namespace contentvec {
namespace {

constexpr int64_t kMostStretch = 16;  // times the frames there are

void check_values(const char* what, std::span<const float> values) {
  if (const auto place = first_non_finite(values))
    fail("value {} of {} is {}; every one must be a finite number", *place, what, values[*place]);
}

void check_noise(const char* what, std::span<const float> noise, int64_t expected) {
  if (noise.empty()) return;
  if (static_cast<int64_t>(noise.size()) != expected)
    fail("{} has {} values; this synthesis takes {}, or none for the seed's", what, noise.size(), expected);
  check_values(what, noise);
}

}  // namespace

class Voice::Impl {
 public:
  Impl(const synthesizer::VoiceFile& file, const VoiceLoadOptions& options)
      : info_(file.info),
        kernels_(nn::select_kernels(options.dtype)),
        threads_(settle_threads(options.threads)),
        run_tasks_(options.run_tasks),
        synthesizer_(kernels_, file.tensors, file.config, {threads_, run_tasks_}) {}

  [[nodiscard]] const VoiceInfo& info() const { return info_; }
  [[nodiscard]] int threads() const { return threads_; }

  [[nodiscard]] int64_t samples(const VoiceInput& input) const {
    check(input);
    return synthesizer_.samples(synthesizer_.frame_range(input));
  }

  void synthesize(const VoiceInput& input, std::span<float> audio) const {
    if (const int64_t expected = samples(input); static_cast<int64_t>(audio.size()) != expected)
      fail("there is room for {} samples; this synthesis gives {}", audio.size(), expected);
    const auto worker = pool_.borrow([this] { return std::make_unique<Worker>(*this); });
    synthesizer_.run(worker->machine.context(), worker->workspace, input, audio.data());
  }

 private:
  /// What one call at a time works with.
  struct Worker {
    explicit Worker(const Impl& owner) : machine(owner.kernels_, owner.threads_, owner.run_tasks_) {}
    nn::Machine machine;
    synthesizer::Synthesizer::Workspace workspace;
  };

  void check(const VoiceInput& input) const {
    const auto values = static_cast<int64_t>(input.features.size());
    if (values == 0 || values % info_.feature_dim != 0) {
      fail("the features hold {} values; expected one frame or more of {} each, as {} takes them", values,
           info_.feature_dim, info_.source);
    }
    check_values("the features", input.features);
    check_pitch(input, values / info_.feature_dim);
    if (input.speaker < 0 || input.speaker >= info_.speakers)
      fail("there is no speaker {}; {} has {}, numbered from 0", input.speaker, info_.source, info_.speakers);
    check_range(input, values / info_.feature_dim);
    const synthesizer::FrameRange range = synthesizer_.frame_range(input);
    check_noise("the latent noise", input.latent_noise,
                (range.frames - range.head) * synthesizer_.config().inter_channels);
    check_noise("the source noise", input.source_noise,
                info_.pitch ? range.count * info_.samples_per_frame : 0);
  }

  void check_pitch(const VoiceInput& input, int64_t frames) const {
    const auto count = static_cast<int64_t>(input.f0.size());
    if (!info_.pitch && count > 0)
      fail("{} takes no pitch; leave f0 empty, found {} values", info_.source, count);
    if (!info_.pitch) return;
    if (count != frames)
      fail("f0 has {} values for {} frames of features; there is one for each", count, frames);
    check_values("f0", input.f0);
    for (size_t frame = 0; frame < input.f0.size(); ++frame) {
      if (input.f0[frame] < 0)
        fail("f0 is {} Hz in frame {}; expected a pitch, or 0 where unvoiced", input.f0[frame], frame);
    }
  }

  static void check_range(const VoiceInput& input, int64_t frames) {
    if (input.skip_frames < 0 || input.skip_frames >= frames)
      fail("{} of {} frames are to be skipped; at least one must be left", input.skip_frames, frames);
    const int64_t left = frames - input.skip_frames;
    if (input.keep_frames != -1 && (input.keep_frames < 1 || input.keep_frames > left))
      fail("{} frames are to be synthesized; expected 1 to the {} from frame {} on, or -1 for all of them",
           input.keep_frames, left, input.skip_frames);
    const int64_t most = kMostStretch * (input.keep_frames == -1 ? left : input.keep_frames);
    if (input.stretch_to != -1 && (input.stretch_to < 1 || input.stretch_to > most))
      fail("frames are to be stretched to {}; expected 1 to {}, or -1 to leave them", input.stretch_to, most);
    if (input.unheard_frames < 0 || input.unheard_frames > frames)
      fail("{} frames are said to be unheard; expected 0 to all {}", input.unheard_frames, frames);
    const int64_t given = input.stretch_to != -1    ? input.stretch_to
                          : input.keep_frames != -1 ? input.keep_frames
                                                    : left;
    if (input.drop_first < 0 || input.drop_last < 0 || input.drop_first >= given ||
        input.drop_last >= given - input.drop_first)
      fail("{} and {} of {} frames are to be dropped; at least one must be left", input.drop_first,
           input.drop_last, given);
    constexpr double kMostPitch = kMostStretch;
    if (!(input.source_pitch >= 1 / kMostPitch && input.source_pitch <= kMostPitch))
      fail("the source's pitch is {} times f0; expected {} to {}", input.source_pitch, 1 / kMostPitch,
           kMostPitch);
  }

  VoiceInfo info_;
  const nn::Kernels& kernels_;
  int threads_;
  RunTasks run_tasks_;
  synthesizer::Synthesizer synthesizer_;
  Pool<Worker> pool_;
};

Voice::Voice(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Voice Voice::load(const std::string& spec, const VoiceLoadOptions& options) {
  return Voice(std::make_shared<const Impl>(synthesizer::open_voice_file(spec, options), options));
}

const VoiceInfo& Voice::info() const {
  return impl_->info();
}

int Voice::threads() const {
  return impl_->threads();
}

std::vector<float> Voice::synthesize(const VoiceInput& input) const {
  std::vector<float> audio(static_cast<size_t>(samples(input)));
  synthesize_into(input, audio);
  return audio;
}

int64_t Voice::samples(const VoiceInput& input) const {
  return impl_->samples(input);
}

void Voice::synthesize_into(const VoiceInput& input, std::span<float> audio) const {
  impl_->synthesize(input, audio);
}

}  // namespace contentvec
