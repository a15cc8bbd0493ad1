#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "nn/context.h"
#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// HiFi-GAN's generator with a harmonic source added at every stage, as RVC's models.py has it (NSF-HiFi-GAN): latent
/// frames to samples. Kong et al. 2020, arXiv:2010.05646. Immutable once built.
class Generator {
 public:
  /// Reads and packs the tensors under "dec.", but the source's own. Throws Error for a damaged tensor.
  Generator(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const VoiceConfig& config);

  /// What one pass at a time works in, kept for the next.
  struct Workspace {};

  /// Sees what the steps give, time-major [rows, width], by the goldens' names of them: for tests.
  using Observe =
      std::function<void(std::string_view stage, const float* rows, int64_t count, int64_t width)>;
  /// Told the part that is done, 0 to 1; may throw.
  using Progress = std::function<void(double done)>;

  /// z: [frames, inter_channels]; speaker: [gin_channels]; source: [frames * samples_per_frame], or empty for a voice
  /// without pitch; audio: [frames * samples_per_frame]. Over the team, in tiles of time, so that memory does not grow
  /// with the frames; how they are cut changes no bit.
  void run(const nn::Context& context, Workspace& workspace, const float* z, int64_t frames,
           std::span<const float> speaker, std::span<const float> source, float* audio,
           const Progress& progress = {}, const Observe& observe = {}) const;
};

}  // namespace contentvec::synthesizer
