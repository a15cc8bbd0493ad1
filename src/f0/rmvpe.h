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
#include "nn/conv2d.h"
#include "nn/feature_map.h"
#include "nn/gru.h"
#include "nn/packers.h"
#include "tensors/named_tensors.h"
#include "tensors/synthetic.h"

namespace contentvec::f0 {

/// RMVPE's sizes; those of the released rmvpe.pt by default.
struct RmvpeConfig {
  int64_t channels = 16;  ///< of the first encoder layer
  int64_t blocks = 4;     ///< of each layer
  int64_t layers = 5;     ///< of the encoder and of the decoder
  int64_t intermediate_layers = 4;
  int64_t gru_hidden = 256;
};

/// Every tensor of such a model, with what makes it up where its weights are synthetic.
std::vector<tensors::Synthetic> rmvpe_tensors(const RmvpeConfig& config);

/// Reads the sizes off the tensors; those that are missing are for the table to say.
RmvpeConfig infer_rmvpe(const tensors::NamedTensors& tensors);

/// Two 3x3 convolutions with BatchNorm and ReLU, and the input added: y = x + relu(bn(conv(relu(bn(conv(x)))))).
struct RmvpeBlock {
  nn::Conv2d first;
  nn::Conv2d second;
  nn::Conv2d shortcut;  ///< of the input, where the channels change; else empty
};

/// RMVPE, a U-Net over the log-mel spectrogram with a GRU behind it: 16 kHz waveform to the salience of 360 pitches in
/// each 10 ms. Wei et al., "RMVPE: A Robust Model for Vocal Pitch Estimation in Polyphonic Music", 2023, as RVC's
/// infer/rmvpe.py computes it. Immutable once built.
class Rmvpe {
 public:
  static constexpr int64_t kHop = kPitchHop;
  static constexpr int64_t kFftSize = 1024;
  static constexpr int64_t kMels = 128;
  static constexpr int64_t kLeastSamples = kFftSize / 2 + 1;  ///< what the reflection at the ends needs

  /// Reads and packs what rmvpe_tensors(config) lists. Throws Error for a damaged tensor.
  Rmvpe(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const RmvpeConfig& config,
        const nn::Packers& packers = {});

  [[nodiscard]] static int64_t frames(int64_t samples) { return samples / kHop + 1; }

  /// Longer recordings than kWholeFrames go through the U-Net in pieces of kPieceFrames, with kContextFrames more on
  /// either side that are computed and thrown away. The GRU hears all that was before a piece, and the piece after it.
  static constexpr int64_t kWholeFrames = 1536;
  static constexpr int64_t kPieceFrames = 1024;
  static constexpr int64_t kContextFrames = 256;
  /// The outermost layers, whose maps are the largest, take so many rows at a time at most, with all that these see
  /// around them.
  static constexpr int64_t kBandRows = 512;

  /// What one pass at a time works in, kept for the next.
  struct Workspace {
    std::vector<nn::FeatureMap> skips;
    nn::FeatureMap maps[2];  ///< that take turns as input and output
    nn::FeatureMap between;  ///< a block's first convolution
    nn::FeatureMap below;    ///< what the last decoder layer begins with
    AlignedBuffer<float> phase;
    AlignedBuffer<float> flat;  ///< [frames, 3 kMels], what the GRU has yet to hear
    AlignedBuffer<float> gates;
    AlignedBuffer<float> states;                  ///< [frames, 2 hidden]
    std::vector<float> state;                     ///< the GRU's, forward's after what it has heard
    std::vector<float> salience;                  ///< [of a part, 360]
    std::vector<dsp::Spectrum::Scratch> spectra;  ///< of each thread
    int64_t whole_frames = kWholeFrames;
    int64_t piece_frames = kPieceFrames;      ///< a multiple of 32, as the pixels of the innermost layer are
    int64_t context_frames = kContextFrames;  ///< likewise
    int64_t band_rows = kBandRows;            ///< likewise
  };

  /// Sees what the steps give, by the reference's names of them: for tests.
  using Observe = std::function<void(std::string_view stage, const nn::FeatureMap& map)>;

  /// Salience [frames(samples), 360] of a waveform of at least kLeastSamples. What is called may
  /// throw.
  void run(const nn::Context& context, Workspace& workspace, std::span<const float> waveform,
           const TakeSalience& take, const Poll& poll = {}, const Observe& observe = {}) const;

 private:
  using Layer = std::vector<RmvpeBlock>;
  struct DecoderLayer {
    nn::UpConv2d up;
    Layer blocks;
  };

  /// Frames [first, end) of a recording that go through the U-Net together, in a map of so many rows, of which
  /// [own_begin, own_end) are kept.
  struct Piece {
    int64_t first;
    int64_t end;
    int64_t rows;
    int64_t own_begin;
    int64_t own_end;
  };

  void fill_input(const nn::Context& context, Workspace& workspace, std::span<const float> waveform,
                  const Piece& piece, int64_t first_row, int64_t end_row, nn::FeatureMap& map) const;
  void run_unet(const nn::Context& context, Workspace& workspace, std::span<const float> waveform,
                const Piece& piece, float* flat, const Poll& poll, const Observe& observe) const;
  void run_outer_decoder(const nn::Context& context, Workspace& workspace, int joined, const Piece& piece,
                         float* flat, const Poll& poll, const Observe& observe) const;
  void join(const nn::Context& context, const DecoderLayer& layer, const nn::FeatureMap& from,
            const nn::FeatureMap& skip, int64_t first_row, nn::FeatureMap& joined,
            Workspace& workspace) const;
  void run_layer(const nn::Context& context, const Layer& layer, Workspace& workspace, int& current) const;
  void run_gru(const nn::Context& context, Workspace& workspace, int64_t rows, int64_t own, int64_t first,
               int64_t frames, const TakeSalience& take) const;

  dsp::Spectrum spectrum_;
  dsp::MelBasis mel_basis_;
  float input_scale_ = 1;  ///< the BatchNorm of the input
  float input_shift_ = 0;
  std::vector<Layer> encoder_;
  std::vector<Layer> intermediate_;
  std::vector<DecoderLayer> decoder_;
  nn::Conv2d cnn_;
  nn::BidirectionalGru gru_;
  nn::Linear output_;
};

}  // namespace contentvec::f0
