#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "contentvec/pitch.h"
#include "dsp/mel.h"
#include "dsp/spectrum.h"
#include "f0/salience.h"
#include "nn/context.h"
#include "nn/norm.h"
#include "nn/packed_matrix.h"
#include "nn/same_conv1d.h"
#include "tensors/named_tensors.h"
#include "tensors/synthetic.h"

namespace contentvec::f0 {

/// FCPE's sizes; those of the released model by default.
struct FcpeConfig {
  int64_t hidden = 512;
  int64_t layers = 6;
};

inline constexpr const char* kCentTable = "cent_table";  // a tensor that files have or not

/// Every tensor of such a model but its weight norm's forms and the table of cents, with what makes it up where its
/// weights are synthetic.
std::vector<tensors::Synthetic> fcpe_tensors(const FcpeConfig& config);
FcpeConfig infer_fcpe(const tensors::NamedTensors& tensors);

/// FCPE, convolutions and Conformer blocks without attention over the log-mel spectrogram: 16 kHz waveform to the
/// salience of 360 pitches in each 10 ms. Luo et al., "FCPE: A Fast Context-based Pitch Estimation Model", 2025, as
/// torchfcpe 0.0.4 computes it. Its GroupNorm makes every frame depend on the whole recording. Immutable once built.
class Fcpe {
 public:
  static constexpr int64_t kHop = kPitchHop;
  static constexpr int64_t kFftSize = 1024;
  static constexpr int64_t kMels = 128;

  /// Reads and packs what fcpe_tensors(config) lists. Throws Error for a damaged tensor.
  Fcpe(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const FcpeConfig& config);

  [[nodiscard]] static int64_t frames(int64_t samples) { return samples / kHop + 1; }
  /// The pitch of each bin, in cents above 10 Hz.
  [[nodiscard]] std::span<const float> cents() const { return cents_; }

  /// Recordings go through in pieces of so many frames, with as many more on either side as a frame sees: that changes
  /// no bit. The GroupNorm's statistics are those of the whole recording, from a pass of their own.
  static constexpr int64_t kPieceFrames = 3072;

  /// What one pass at a time works in, kept for the next.
  struct Workspace {
    AlignedBuffer<float> mel;     ///< [whole blocks of frames + 2, kMels], zeros around
    AlignedBuffer<float> wide;    ///< [frames, 4 hidden]
    AlignedBuffer<float> gated;   ///< [frames + kernel - 1, 2 hidden], zeros around
    AlignedBuffer<float> padded;  ///< [whole blocks of frames + 2, hidden], zeros around
    AlignedBuffer<float> hidden;  ///< [whole blocks of frames, hidden]
    AlignedBuffer<float> other;   ///< likewise
    std::vector<float> salience;  ///< [of a piece, 360]
    std::vector<double> sums;     ///< of rows' values and their squares, by part and group
    std::vector<float> scale;     ///< the GroupNorm as an affine map of each channel
    std::vector<float> shift;
    std::vector<dsp::Spectrum::Scratch> spectra;  ///< of each thread
    int64_t piece_frames = kPieceFrames;          ///< a multiple of 64
  };

  /// Sees what the steps give, [frames, width] with a stride, by the reference's names of them: for tests.
  using Observe =
      std::function<void(std::string_view stage, const float* rows, int64_t stride, int64_t width)>;

  /// Salience [frames(samples), 360] of a waveform of at least one sample. What is called may
  /// throw.
  void run(const nn::Context& context, Workspace& workspace, std::span<const float> waveform,
           const TakeSalience& take, const Poll& poll = {}, const Observe& observe = {}) const;

 private:
  struct Layer {
    nn::Norm norm;
    nn::Linear in;                 ///< hidden to 4 hidden, of which a gate leaves 2
    std::vector<float> depthwise;  ///< [kernel, 2 hidden]
    std::vector<float> depthwise_bias;
    nn::Linear out;  ///< 2 hidden to hidden
  };

  /// Frames [begin, end) of a recording, in which they lie.
  struct Piece {
    int64_t begin;
    int64_t end;
    [[nodiscard]] int64_t count() const { return end - begin; }
  };
  void compute_mel(const nn::Context& context, Workspace& workspace, std::span<const float> waveform,
                   Piece piece, float* mel) const;
  void run_first(const nn::Context& context, Workspace& workspace, std::span<const float> waveform,
                 Piece piece) const;
  void add_sums(const nn::Context& context, Workspace& workspace, Piece piece, int64_t own_begin,
                int64_t own_end) const;
  void settle_group_norm(Workspace& workspace, int64_t frames) const;
  void run_rest(const nn::Context& context, Workspace& workspace, Piece piece, const Poll& poll,
                const Observe& observe) const;
  void run_layer(const nn::Context& context, const Layer& layer, Workspace& workspace, int64_t frames) const;
  void reserve(Workspace& workspace, int64_t frames) const;

  int64_t hidden_;
  dsp::Spectrum spectrum_;
  dsp::MelBasis mel_basis_;
  nn::SameConv1d first_;
  nn::Norm first_norm_;  ///< GroupNorm's
  nn::SameConv1d second_;
  std::vector<Layer> layers_;
  nn::Norm norm_;
  nn::Linear output_;
  std::vector<float> cents_;
};

}  // namespace contentvec::f0
