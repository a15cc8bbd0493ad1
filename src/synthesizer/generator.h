#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "nn/context.h"
#include "nn/conv_transpose1d.h"
#include "nn/packed_matrix.h"
#include "nn/packers.h"
#include "synthesizer/residual_block.h"
#include "synthesizer/stretch.h"
#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// HiFi-GAN's generator with a harmonic source added at every stage, as RVC's models.py has it (NSF-HiFi-GAN): latent
/// frames to samples. Kong et al. 2020, arXiv:2010.05646. Immutable once built.
class Generator {
 public:
  /// Reads and packs the tensors under "dec.", but the source's own. Throws Error for a damaged tensor.
  Generator(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const VoiceConfig& config,
            const nn::Packers& packers = {});

  /// What one pass at a time works in, kept for the next.
  struct Workspace {
    /// The rows that a step has to give, and those that are read of it by the next, zero where the utterance has none.
    struct Needed {
      RowSpan rows;
      RowSpan read;
    };
    /// Of a thread, for one piece.
    struct OfThread {
      std::vector<Needed> needed;            ///< of conv_pre and of each stage
      std::vector<Needed> needed_upsampled;  ///< within each stage
      Stretch padded;                        ///< a piece of z, then of the source, with zeros beyond the ends
      Stretch upsampled;                     ///< a stage's input to its residual blocks
      Stretch results[2];                    ///< of one stage and of the one before
      ResidualBlock::Workspace block;
    };
    std::vector<OfThread> threads;
    std::vector<float> condition;  ///< by the speaker, of each channel of conv_pre
    int64_t piece_frames = 64;     ///< at most, of what a thread takes at once
  };

  /// Sees what the steps give, time-major [rows, width], by the goldens' names of them: for tests.
  using Observe =
      std::function<void(std::string_view stage, const float* rows, int64_t count, int64_t width)>;
  /// Told the part that is done, 0 to 1, on the calling thread; may throw.
  using Progress = std::function<void(double done)>;

  /// z: [frames, inter_channels]; speaker: [gin_channels]; source: [frames * samples_per_frame], or empty for a voice
  /// without pitch; audio: [frames * samples_per_frame], or of the frames that are `wanted` alone, if not all are. Over
  /// the team, in pieces of time, so that memory does not grow with the frames; how they are cut, and what is wanted,
  /// changes no bit.
  void run(const nn::Context& context, Workspace& workspace, const float* z, int64_t frames,
           std::span<const float> speaker, std::span<const float> source, float* audio,
           const Progress& progress = {}, const Observe& observe = {},
           std::optional<RowSpan> wanted = {}) const;

 private:
  struct Stage {
    int64_t rate;  ///< rows from one of the stage before
    int64_t rows_per_frame;
    int64_t channels;
    nn::ConvTranspose1d up = {};
    nn::PackedMatrix noise = {};  ///< of the source's samples around a row
    int64_t noise_stride = 1;
    int64_t noise_taps = 1;
    std::vector<ResidualBlock> blocks = {};
  };
  class Piece;

  void pack_stages(const tensors::NamedTensors& tensors, const VoiceConfig& config,
                   const nn::Packers& packers);

  const nn::Kernels& kernels_;
  int64_t inter_channels_;
  int64_t width_;  ///< before the first stage
  nn::PackedMatrix pre_;
  std::vector<float> cond_weight_;  ///< [width, gin_channels]
  std::vector<float> cond_bias_;
  std::vector<Stage> stages_;
  nn::PackedMatrix post_;
};

}  // namespace contentvec::synthesizer
