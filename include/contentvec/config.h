#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contentvec/export.h"

namespace contentvec {

/// How the convolutional frontend normalises (fairseq's `extractor_mode`).
enum class ExtractorMode {
  /// "default": GroupNorm with one group per channel after convolution 0 (HuBERT base, ContentVec).
  kGroupNorm,
  /// "group_norm_masked": the same over the valid samples of a padded batch only. This library never pads, so
  /// that it computes what kGroupNorm does.
  kGroupNormMasked,
  /// "layer_norm": LayerNorm over the channels after every convolution (HuBERT large).
  kLayerNorm,
};

/// One convolution of the frontend, without padding.
struct ConvLayer {
  int dim = 0;     ///< Output channels.
  int kernel = 0;  ///< Input steps that one output sees.
  int stride = 0;  ///< Input steps between outputs.
  bool operator==(const ConvLayer&) const = default;
};

/// The architecture of a HuBERT / ContentVec model. Field names are fairseq's (`HubertConfig`), so a fairseq
/// configuration reads the same. The defaults are HuBERT base, which is also ContentVec and RVC's
/// `hubert_base.pt`.
struct ModelConfig {
  /// The frontend's convolutions, from the waveform on.
  std::vector<ConvLayer> conv_layers = {{512, 10, 5}, {512, 3, 2}, {512, 3, 2}, {512, 3, 2},
                                        {512, 3, 2},  {512, 2, 2}, {512, 2, 2}};
  ExtractorMode extractor_mode = ExtractorMode::kGroupNorm;
  bool conv_bias = false;            ///< The convolutions have biases.
  int encoder_embed_dim = 768;       ///< The model's width.
  int encoder_ffn_embed_dim = 3072;  ///< The inner width of the feed-forward layers.
  int encoder_attention_heads = 12;  ///< Divides encoder_embed_dim.
  int encoder_layers = 12;           ///< Plain transformer blocks.
  int encoder_layers_1 = 0;          ///< ContentVec's speaker-conditioned blocks, after the plain ones.
  int speaker_dim = 256;             ///< The speaker embedding's width, used where encoder_layers_1 > 0.
  int conv_pos = 128;                ///< The positional convolution's kernel, in frames.
  int conv_pos_groups = 16;          ///< Its groups; divides encoder_embed_dim.
  /// BatchNorm before the positional convolution, with the statistics of training (mHuBERT 25 Hz).
  bool conv_pos_batch_norm = false;
  /// Pre-norm blocks. A final LayerNorm then applies to the model's output, and to no `layer N`.
  bool layer_norm_first = false;
  int final_dim = 256;               ///< The width of final_proj; 0 where the model has none.
  bool feat_proj_layer_norm = true;  ///< LayerNorm before the feature projection (false in DistilHuBERT).
  float layer_norm_eps = 1e-5F;      ///< Of the encoder's and the feature projection's LayerNorms.
  /// Bring the waveform to zero mean and unit variance first. Where it is not set, the checkpoint decides,
  /// and else the frontend (on for kLayerNorm). It is always set in a loaded model's configuration.
  std::optional<bool> normalize;

  bool operator==(const ModelConfig&) const = default;

  /// All transformer blocks, plain and speaker-conditioned: `layer N` goes from 1 to this.
  [[nodiscard]] int total_layers() const { return encoder_layers + encoder_layers_1; }
  /// Whether extraction takes a speaker embedding.
  [[nodiscard]] bool speaker_conditioned() const { return encoder_layers_1 > 0; }
  /// Samples that one frame sees: 400 (25 ms) for base. Shorter input has no frame.
  [[nodiscard]] CONTENTVEC_API int64_t receptive_field() const;
  /// Samples between frames: 320 (20 ms) for base.
  [[nodiscard]] CONTENTVEC_API int64_t hop() const;
  /// Frames of a waveform of `samples` samples: floor((samples - receptive_field) / hop) + 1, or 0.
  [[nodiscard]] CONTENTVEC_API int64_t frames(int64_t samples) const;

  /// Checks that every field is in range and that the fields fit together. Throws Error naming the first that
  /// does not.
  CONTENTVEC_API void validate() const;

  /// Reads either of two forms of JSON:
  ///   - this struct's own: keys named as the fields, `extractor_mode` as fairseq's string, `conv_layers` as
  ///     [[dim, kernel, stride], ...];
  ///   - Hugging Face's `config.json`, which is recognised by `hidden_size`.
  ///
  /// Absent keys keep their defaults, and unknown keys are ignored. `origin` names the source in errors.
  /// Throws Error for text that is not JSON, for values that validate() refuses, and for keys that say that
  /// the model is one this library does not compute; from_json_file also for a file that cannot be read.
  CONTENTVEC_API static ModelConfig from_json(std::string_view text,
                                              std::string_view origin = "configuration");
  CONTENTVEC_API static ModelConfig from_json_file(const std::filesystem::path& path);

  /// This struct's own form, complete, on one line, as from_json() reads it.
  [[nodiscard]] CONTENTVEC_API std::string to_json() const;
};

}  // namespace contentvec
