#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

namespace contentvec::synthesizer {

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

  /// Samples synthesized for each frame of 10 ms.
  [[nodiscard]] int64_t samples_per_frame() const {
    return std::accumulate(upsample_rates.begin(), upsample_rates.end(), int64_t{1}, std::multiplies<>());
  }
  bool operator==(const VoiceConfig&) const = default;
};

}  // namespace contentvec::synthesizer
