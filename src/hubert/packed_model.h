#pragma once

#include <vector>

#include "contentvec/config.h"
#include "contentvec/threads.h"
#include "hubert/weights.h"
#include "nn/conv1d.h"
#include "nn/norm.h"
#include "nn/packed_matrix.h"
#include "nn/same_conv1d.h"

namespace contentvec::hubert {

/// ContentVec's conditional LayerNorm: scale = weight_ln @ speaker, shift = bias_ln @ speaker; both [width,
/// speaker_dim].
struct SpeakerNorm {
  std::vector<float> weight_ln;
  std::vector<float> bias_ln;
};

/// A block's LayerNorm: plain, or conditional in a speaker-conditioned block.
struct BlockNorm {
  nn::Norm plain;
  SpeakerNorm speaker;
  [[nodiscard]] bool conditional() const { return !speaker.weight_ln.empty(); }
};

/// What the convolutions after the first are computed with. Where bfloat16 weights are widened, so that products are of
/// floats and need no scratch, float32's: they are 5 % of the weights, and widening takes time.
inline const nn::Kernels& conv_kernels(const nn::Kernels& kernels) {
  return kernels.product_scratch == 0 ? *kernels.float32 : kernels;
}

/// One convolution of the frontend.
struct FeatureConv {
  nn::Conv1d conv;      ///< empty for conv 0
  nn::Norm layer_norm;  ///< after the convolution, in a LayerNorm frontend; else empty
};

/// The positional convolution: in float32 each group as a SameConv1d, whose fast form takes 7 products in place of 16.
/// In bfloat16, where that would cost accuracy, plain.
struct PositionalConv {
  std::vector<nn::SameConv1d> fast;  ///< by group; empty where it is plain
  nn::Conv1d plain;
};

/// conv 0 with a GroupNorm after it, unpacked: both are folded into one product per utterance.
struct GroupNormConv {
  std::vector<float> weight;  ///< [dim, kernel]
  nn::Norm norm;              ///< cancels the convolution's bias
};

/// One transformer block.
struct PackedBlock {
  nn::Linear qkv;  ///< q, k, v side by side; q already divided by sqrt(head size)
  nn::Linear out_proj;
  BlockNorm self_attn_layer_norm;
  nn::Linear fc1;
  nn::Linear fc2;
  BlockNorm final_layer_norm;
};

/// All weights in the form the kernels read. Immutable once built.
struct PackedModel {
  /// Reads and packs with so many threads. Throws Error for a damaged tensor.
  PackedModel(const nn::Kernels& kernels, const Weights& weights, int threads,
              const RunTasks& run_tasks = nullptr);

  ModelConfig config;
  GroupNormConv group_norm_conv;     ///< conv 0 of a GroupNorm frontend
  nn::PackedMatrix first_conv;       ///< conv 0 of a LayerNorm frontend
  std::vector<FeatureConv> convs;    ///< all of them
  nn::Norm feature_norm;             ///< before the projection; empty without one
  nn::Linear projection;             ///< empty when the model has none
  Weights::BatchNorm pos_conv_norm;  ///< before the positional convolution; empty without one
  PositionalConv pos_conv;
  nn::Norm encoder_norm;
  std::vector<PackedBlock> blocks;
  nn::Linear final_proj;  ///< empty when the model has none
};

}  // namespace contentvec::hubert
