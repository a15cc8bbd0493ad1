#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contentvec/voice.h"
#include "nn/context.h"
#include "nn/packers.h"
#include "synthesizer/flow.h"
#include "synthesizer/generator.h"
#include "synthesizer/source.h"
#include "synthesizer/text_encoder.h"
#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// Which frames of an input take part in what.
struct FrameRange {
  int64_t frames;   ///< that the text encoder sees
  int64_t head;     ///< the first that the flow sees
  int64_t begin;    ///< the first that is synthesized
  int64_t count;    ///< that are synthesized
  int64_t stretch;  ///< to so many
  RowSpan wanted;   ///< of these, whose samples are given
};

/// RVC's synthesizer: a VITS decoder with a harmonic source, content features and pitch to samples. Immutable once
/// built.
class Synthesizer {
 public:
  /// Reads and packs what voice_tensors(config) lists. Throws Error for a damaged tensor.
  Synthesizer(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const VoiceConfig& config,
              const nn::Packers& packers = {});

  [[nodiscard]] const VoiceConfig& config() const { return config_; }
  /// Of an input whose numbers fit.
  [[nodiscard]] FrameRange frame_range(const VoiceInput& input) const;
  /// Samples that it gives.
  [[nodiscard]] int64_t samples(const FrameRange& range) const {
    return range.wanted.count() * config_.samples_per_frame();
  }

  /// What one pass at a time works in, kept for the next.
  struct Workspace {
    TextEncoder::Workspace encoder;
    Flow::Workspace flow;
    Generator::Workspace generator;
    AlignedBuffer<float> statistics;  ///< [frames, 2 inter_channels], m and logs side by side
    AlignedBuffer<float> latent;      ///< [frames, inter_channels]
    AlignedBuffer<float> stretched;   ///< likewise
    AlignedBuffer<float> source;      ///< [frames * samples_per_frame]
    AlignedBuffer<float> stretched_source;
    std::vector<double> phases;
    std::vector<int64_t> pitch;  ///< of every frame, coarse
    std::vector<float> f0;       ///< of those that are synthesized, as the source takes it
  };

  /// Everything in `input` must fit the voice, which Voice checks. audio: [samples(frame_range(input))]. `observe` sees
  /// what the steps give, by the goldens' names of them: for tests. Throws Error where the weights overflow float32.
  void run(const nn::Context& context, Workspace& workspace, const VoiceInput& input, float* audio,
           const Generator::Observe& observe = {}) const;

 private:
  void encode(const nn::Context& context, Workspace& workspace, const VoiceInput& input,
              const FrameRange& range, const Generator::Observe& observe) const;
  void sample_latent(const nn::Context& context, Workspace& workspace, const VoiceInput& input,
                     const FrameRange& range) const;
  /// The source of the frames that are synthesized; empty for a voice without pitch.
  std::span<const float> run_source(const nn::Context& context, Workspace& workspace, const VoiceInput& input,
                                    const FrameRange& range, const Generator::Observe& observe) const;

  VoiceConfig config_;
  TextEncoder encoder_;
  Flow flow_;
  std::optional<Source> source_;
  Generator generator_;
  std::vector<float> speakers_;  ///< [speakers, gin_channels]
};

}  // namespace contentvec::synthesizer
