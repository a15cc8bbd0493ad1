#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "nn/attention.h"
#include "nn/context.h"
#include "nn/conv1d.h"
#include "nn/norm.h"
#include "nn/packed_matrix.h"
#include "nn/sequences.h"
#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// VITS's text encoder over content features: a Transformer with relative positions, features and pitch to the mean and
/// the logarithm of the deviation of each latent frame. Kim et al. 2021, arXiv:2106.06103, as RVC's models.py has it.
/// Immutable once built.
class TextEncoder {
 public:
  /// Reads and packs the tensors under "enc_p.". Throws Error for a damaged tensor.
  TextEncoder(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const VoiceConfig& config);

  /// What one pass at a time works in, kept for the next.
  struct Workspace {
    nn::Sequences sequences;
    nn::SelfAttention attention;
    AlignedBuffer<float> hidden;  ///< [frames, hidden_channels], zeros around
    AlignedBuffer<float> sum;     ///< [frames, hidden_channels]
    AlignedBuffer<float> wide;    ///< [frames, 3 hidden_channels] or [frames, filter_channels], zeros around
  };

  /// Sees [frames, width] with a stride, by the reference's names of them: for tests.
  using Observe =
      std::function<void(std::string_view stage, const float* rows, int64_t stride, int64_t width)>;

  /// features: [frames, phone_channels]; pitch: [frames], 0 to 255, or empty for a voice without. Writes m and logs
  /// side by side, [frames - first, 2 inter_channels], of the frames from `first` on.
  void run(const nn::Context& context, Workspace& workspace, std::span<const float> features,
           std::span<const int64_t> pitch, int64_t first, float* statistics,
           const Observe& observe = {}) const;

 private:
  struct Layer {
    Layer(const nn::Kernels& kernels, const tensors::NamedTensors& tensors, const VoiceConfig& config,
          int64_t index);
    nn::Linear qkv;  ///< queries (divided by sqrt(head_dim)), keys and values side by side
    nn::RelativePositions positions;
    nn::Linear out;
    nn::Norm attention_norm;
    nn::Conv1d expand;
    nn::Conv1d reduce;
    nn::Norm ffn_norm;
  };
  void embed(const nn::Context& context, std::span<const float> features, std::span<const int64_t> pitch,
             int64_t frames, float* hidden) const;
  void attend(const nn::Context& context, const Layer& layer, Workspace& workspace, int64_t frames) const;
  void feed_forward(const nn::Context& context, const Layer& layer, Workspace& workspace,
                    int64_t frames) const;
  /// The row of frame 0: before it stand the zeros that a convolution sees.
  [[nodiscard]] float* frames_in(AlignedBuffer<float>& padded, int64_t width) const;

  int64_t phone_;
  int64_t hidden_;
  int64_t filter_;
  int64_t heads_;
  int64_t kernel_;
  nn::Linear phone_embedding_;          ///< times sqrt(hidden_channels)
  std::vector<float> pitch_embedding_;  ///< [256, hidden_channels], likewise
  std::vector<Layer> layers_;
  nn::Linear projection_;
};

}  // namespace contentvec::synthesizer
