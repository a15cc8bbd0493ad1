#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/context.h"
#include "nn/conv1d.h"
#include "nn/packed_matrix.h"
#include "nn/packers.h"
#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// The inverse of VITS's normalising flow, with a speaker as its condition: four couplings that add to one half of the
/// channels what a WaveNet makes of the other, which are mirrored in between. Kim et al. 2021, arXiv:2106.06103.
/// Immutable once built.
class Flow {
 public:
  /// Reads and packs the tensors under "flow.". Throws Error for a damaged tensor.
  Flow(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const VoiceConfig& config,
       const nn::Packers& packers = {});

  /// What one pass at a time works in, kept for the next.
  struct Workspace {
    AlignedBuffer<float> state;        ///< [frames, 2 hidden_channels], zeros around
    AlignedBuffer<float> gates;        ///< [frames, 2 hidden_channels]
    AlignedBuffer<float> gate_biases;  ///< [layers, 2 hidden_channels]
  };

  /// z: [frames, inter_channels], in place; speaker: [gin_channels].
  void run(const nn::Context& context, Workspace& workspace, float* z, int64_t frames,
           std::span<const float> speaker) const;

 private:
  /// One layer of a WaveNet.
  struct Layer {
    nn::Conv1d in;  ///< without its bias
    nn::Linear
        res_skip;  ///< what it adds to the layers' input and to their output, side by side; of the last, to
                   ///< the output alone
  };
  struct Coupling {
    int64_t from;  ///< the first of the channels that it reads
    int64_t to;    ///< of those it changes
    nn::Linear pre;
    nn::Linear condition;  ///< speaker to the biases of all layers' gates, with those of their convolutions
    std::vector<Layer> layers;
    nn::Linear post;  ///< negated
  };
  [[nodiscard]] Coupling read_coupling(const nn::Kernels& kernels, const tensors::NamedTensors& tensors,
                                       int64_t index, const VoiceConfig& config) const;
  void run(const nn::Context& context, const Coupling& coupling, Workspace& workspace, float* z,
           int64_t frames, std::span<const float> speaker) const;

  int64_t inter_;
  int64_t hidden_;
  std::vector<Coupling> couplings_;  ///< as they run
};

}  // namespace contentvec::synthesizer
