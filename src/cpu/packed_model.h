#pragma once

#include <vector>

#include "contentvec/config.h"
#include "contentvec/threads.h"
#include "cpu/packed_matrix.h"
#include "model/weights.h"

namespace contentvec::cpu {

/// Scale and shift of a LayerNorm (or of the GroupNorm after conv 0).
struct Norm {
  std::vector<float> scale;
  std::vector<float> shift;
};

/// ContentVec's conditional LayerNorm: scale = weight_ln @ speaker, shift = bias_ln @ speaker; both [width,
/// speaker_dim].
struct SpeakerNorm {
  std::vector<float> weight_ln;
  std::vector<float> bias_ln;
};

/// A block's LayerNorm: plain, or conditional in a speaker-conditioned block.
struct BlockNorm {
  Norm plain;
  SpeakerNorm speaker;
  [[nodiscard]] bool conditional() const { return !speaker.weight_ln.empty(); }
};

/// A convolution of kernel 3 and stride 2 as a fast FIR filter (Winograd's F(2,2) on its two even taps): two
/// outputs side by side take 5 products where the convolution itself takes 6. With x0 .. x4 what the two see,
///   y0 = w0 x0 + w1 x1 + w2 x2 = shared + w0 (x0 - x2) + w1 x1
///   y1 = w0 x2 + w1 x3 + w2 x4 = shared + w2 (x4 - x2) + w1 x3,   shared = (w0 + w2) x2.
struct FastFir {
  PackedMatrix shared;  ///< w0 + w2, no bias
  PackedMatrix even;    ///< w0, w1, and the bias
  PackedMatrix odd;     ///< w2, w1, and the bias
};

/// One convolution of the frontend, in one of two forms.
struct PackedConv {
  PackedMatrix matrix;  ///< depth kernel * in, tap-major; empty for a conv 0 that folds its GroupNorm
  FastFir fast_fir;  ///< in place of `matrix`, where the convolution has this form and products are float32
  Norm layer_norm;   ///< after the convolution, in a LayerNorm frontend; else empty
};

/// conv 0 with a GroupNorm after it, unpacked: both are folded into one product per utterance.
struct GroupNormConv {
  std::vector<float> weight;  ///< [dim, kernel]
  Norm norm;                  ///< cancels the convolution's bias
};

/// One transformer block.
struct PackedBlock {
  PackedMatrix qkv;  ///< q, k, v side by side; q already divided by sqrt(head size)
  PackedMatrix out_proj;
  BlockNorm self_attn_layer_norm;
  PackedMatrix fc1;
  PackedMatrix fc2;
  BlockNorm final_layer_norm;
};

/// All weights in the form the kernels read. Immutable once built.
struct PackedModel {
  /// Reads and packs with so many threads. Throws Error for a damaged tensor.
  PackedModel(const Kernels& kernels, const model::Weights& weights, int threads,
              const RunTasks& run_tasks = nullptr);

  ModelConfig config;
  GroupNormConv first_conv;                 ///< of a GroupNorm frontend
  std::vector<PackedConv> convs;            ///< convs[0] is empty in a GroupNorm frontend
  Norm feature_norm;                        ///< before the projection; empty without one
  PackedMatrix projection;                  ///< empty when the model has none
  model::Weights::BatchNorm pos_conv_norm;  ///< before the positional convolution; empty without one
  std::vector<PackedMatrix> pos_conv;       ///< one per group; depth kernel * (width / groups), tap-major
  Norm encoder_norm;
  std::vector<PackedBlock> blocks;
  PackedMatrix final_proj;  ///< empty when the model has none
};

}  // namespace contentvec::cpu
