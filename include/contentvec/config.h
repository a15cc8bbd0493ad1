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
  kGroupNorm,  ///< "default": GroupNorm with one group per channel after conv 0 (HuBERT base, ContentVec)
  kGroupNormMasked,  ///< "group_norm_masked": the same, over the valid samples of a padded batch only;
                     ///< this library never pads, so it computes what kGroupNorm does
  kLayerNorm,        ///< "layer_norm": LayerNorm over the channels after every conv (HuBERT large)
};

/// One convolution of the frontend: kernel and stride in input steps, no padding.
struct ConvLayer {
  int dim = 0;  ///< output channels
  int kernel = 0;
  int stride = 0;
  bool operator==(const ConvLayer&) const = default;
};

/// The architecture of a HuBERT / ContentVec model. Field names are fairseq's (`HubertConfig`), so a fairseq
/// configuration reads the same. The defaults are HuBERT base, which is also ContentVec and RVC's
/// `hubert_base.pt`.
struct ModelConfig {
  std::vector<ConvLayer> conv_layers = {{512, 10, 5}, {512, 3, 2}, {512, 3, 2}, {512, 3, 2},
                                        {512, 3, 2},  {512, 2, 2}, {512, 2, 2}};
  ExtractorMode extractor_mode = ExtractorMode::kGroupNorm;
  bool conv_bias = false;
  int encoder_embed_dim = 768;       ///< model width
  int encoder_ffn_embed_dim = 3072;  ///< inner width of the feed-forward layers
  int encoder_attention_heads = 12;  ///< divides encoder_embed_dim
  int encoder_layers = 12;           ///< plain transformer blocks
  int encoder_layers_1 = 0;          ///< ContentVec's speaker-conditioned blocks, after the plain ones
  int speaker_dim = 256;             ///< width of the speaker embedding (used when encoder_layers_1 > 0)
  int conv_pos = 128;                ///< kernel of the positional convolution
  int conv_pos_groups = 16;          ///< its groups; divides encoder_embed_dim
  bool conv_pos_batch_norm = false;  ///< BatchNorm before it, with the statistics of training (mHuBERT 25 Hz)
  bool layer_norm_first =
      false;            ///< pre-norm blocks; a final LayerNorm then applies to the model's output only
  int final_dim = 256;  ///< width of final_proj; 0: the model has none
  bool feat_proj_layer_norm = true;  ///< LayerNorm before the feature projection (false in DistilHuBERT)
  float layer_norm_eps = 1e-5F;      ///< of the encoder's and the feature projection's LayerNorms
  /// Bring the waveform to zero mean and unit variance first. Unset: as the checkpoint says, else by the
  /// frontend (on for kLayerNorm); always set in a loaded model's configuration.
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

  /// Reads the form of this struct (keys as the fields, `extractor_mode` as fairseq's string, `conv_layers`
  /// as
  /// [[dim, kernel, stride], ...]) or a Hugging Face `config.json` (recognised by `hidden_size`).
  /// Absent keys keep their defaults; unknown keys are ignored except where they say that the model is one
  /// this library does not compute, which is an Error. `origin` names the source in errors.
  CONTENTVEC_API static ModelConfig from_json(std::string_view text,
                                              std::string_view origin = "configuration");
  CONTENTVEC_API static ModelConfig from_json_file(const std::filesystem::path& path);

  /// The form `from_json` reads, complete, on one line.
  [[nodiscard]] CONTENTVEC_API std::string to_json() const;
};

}  // namespace contentvec
