#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "contentvec/model.h"

namespace contentvec::synthesizer {

// What every RVC voice has in common.
inline constexpr int64_t kPitchIds = 256;          // rows of the text encoder's pitch embedding
inline constexpr int64_t kRelativePositions = 21;  // within 10 frames
inline constexpr int64_t kCouplings = 4;           // of the flow
inline constexpr int64_t kFlowLayers = 3;          // of each coupling's WaveNet
inline constexpr int64_t kFlowKernel = 5;
inline constexpr int64_t kGeneratorKernel = 7;  // of its first and its last convolution

/// Values in a frame of the features that a version takes: with final_proj, or without.
inline int64_t phone_channels_of(const std::string& version) {
  return version == "v1" ? 256 : 768;
}

/// A voice's sizes, under the names of RVC's own configuration; by default those of RVC v2 at 48 kHz.
struct VoiceConfig {
  int64_t inter_channels = 192;   ///< of the latent
  int64_t hidden_channels = 192;  ///< of the text encoder and the flow
  int64_t filter_channels = 768;  ///< of the text encoder's ffn
  int64_t n_heads = 2;
  int64_t n_layers = 6;     ///< of the text encoder
  int64_t kernel_size = 3;  ///< of its ffn
  int resblock = 1;         ///< 1: three pairs of convolutions; 2: two convolutions
  std::vector<int64_t> resblock_kernel_sizes = {3, 7, 11};
  std::vector<std::vector<int64_t>> resblock_dilation_sizes = {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}};
  std::vector<int64_t> upsample_rates = {12, 10, 2, 2};
  std::vector<int64_t> upsample_kernel_sizes = {24, 20, 4, 4};
  int64_t upsample_initial_channel = 512;
  int64_t gin_channels = 256;    ///< of the speaker embedding
  int64_t speakers = 109;        ///< rows of emb_g.weight
  int64_t phone_channels = 768;  ///< of a frame of features
  bool f0 = true;
  int sample_rate = 48000;
  std::string version = "v2";
  std::string embedder = "contentvec";  ///< the model whose features it was trained on, as Applio names it
  bool last_layer =
      false;  ///< of version 1: trained on the last layer with final_proj, as Applio has it, not on 9

  /// Which of the embedder's features.
  [[nodiscard]] Stage stage() const {
    if (version != "v1") return {.layer = kModelOutput};
    return {.layer = last_layer ? kModelOutput : 9, .final_proj = true};
  }
  /// Samples synthesized for each frame of 10 ms.
  [[nodiscard]] int64_t samples_per_frame() const {
    return std::accumulate(upsample_rates.begin(), upsample_rates.end(), int64_t{1}, std::multiplies<>());
  }
  /// Dilated convolutions in a residual block.
  [[nodiscard]] int64_t convs_per_block() const { return resblock == 1 ? 3 : 2; }

  /// Throws Error, naming `origin`, for sizes that no voice has or that do not go together: everything a file or a
  /// person can get wrong, so that whatever comes after may rely on them.
  void validate(const std::string& origin) const;

  bool operator==(const VoiceConfig&) const = default;
};

}  // namespace contentvec::synthesizer
