#include "hubert/infer_config.h"

#include <algorithm>
#include <array>

#include "hubert/weights.h"
#include "runtime/fail.h"

namespace contentvec::hubert {
namespace {

/// Published models by what their tensors show, and what no tensor shows of them: how many heads share the
/// width, whether blocks normalise first. All have seven convolutions of 512 channels, fairseq's usual
/// strides, and a positional convolution of kernel 128 in 16 groups.
struct Family {
  int width;
  int inner;
  int most_blocks;  ///< plain ones; distilled and truncated models have fewer
  ExtractorMode frontend;
  int heads;
  bool layer_norm_first;
};
constexpr std::array kFamilies = {
    // HuBERT, wav2vec 2.0 and data of every language in base size, ContentVec, DistilHuBERT
    Family{768, 3072, 12, ExtractorMode::kGroupNorm, 12, false},
    // wav2vec 2.0 large of LibriSpeech and VoxPopuli
    Family{1024, 4096, 24, ExtractorMode::kGroupNorm, 16, false},
    // HuBERT large, wav2vec 2.0 large of Libri-Light, XLSR-53, XLS-R 300M, MMS 300M
    Family{1024, 4096, 24, ExtractorMode::kLayerNorm, 16, true},
    // HuBERT X-Large, XLS-R 1B, MMS 1B
    Family{1280, 5120, 48, ExtractorMode::kLayerNorm, 16, true},
    // XLS-R 2B
    Family{1920, 7680, 48, ExtractorMode::kLayerNorm, 16, true},
};

[[noreturn]] void ask_for_config(const std::string& source, const std::string& what) {
  fail(
      "{}: the file does not say its architecture, and {}; give it with --config FILE.json "
      "(LoadOptions::config)",
      source, what);
}

/// The shape of a tensor that inference of the configuration cannot do without, with `rank` dimensions.
std::vector<int64_t> shape_of(const FoundTensors& found, const std::string& source, const std::string& name,
                              size_t rank) {
  std::vector<int64_t> shape = found.shape(name);
  if (shape.size() != rank ||
      std::any_of(shape.begin(), shape.end(), [](int64_t n) { return n < 1 || n > 1 << 20; })) {
    ask_for_config(source,
                   fmt::format("tensor {}, which would tell, is {}", name,
                               found.has(name) ? "of shape " + checkpoint::shape_text(shape) : "missing"));
  }
  return shape;
}

std::vector<ConvLayer> infer_convs(const FoundTensors& found, const std::string& source) {
  std::vector<ConvLayer> convs;
  for (int i = 0;; ++i) {
    const std::string name = fmt::format("feature_extractor.conv_layers.{}.0.weight", i);
    if (!found.has(name) || i == 32) break;
    const std::vector<int64_t> shape = shape_of(found, source, name, 3);
    convs.push_back({static_cast<int>(shape[0]), static_cast<int>(shape[2]), 0});
  }
  std::vector<ConvLayer> usual = ModelConfig().conv_layers;
  const bool as_usual = std::equal(
      convs.begin(), convs.end(), usual.begin(), usual.end(),
      [](const ConvLayer& a, const ConvLayer& b) { return a.dim == b.dim && a.kernel == b.kernel; });
  if (!as_usual) {
    std::string kernels;
    std::string channels;
    for (const ConvLayer& conv : convs) {
      kernels += fmt::format("{}{}", kernels.empty() ? "" : ", ", conv.kernel);
      channels += fmt::format("{}{}", channels.empty() ? "" : ", ", conv.dim);
    }
    ask_for_config(source,
                   fmt::format("strides are known for convolutions of kernel 10, 3, 3, 3, 3, 2, 2 with 512 "
                               "channels each, these have kernel {} and {} channels",
                               kernels, channels));
  }
  return usual;
}

/// Fills in what no tensor shows, from the family that has all that they do show.
void settle_by_family(ModelConfig& c, const std::string& source) {
  const ModelConfig usual;
  const auto* const family = std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& f) {
    return f.width == c.encoder_embed_dim && f.inner == c.encoder_ffn_embed_dim &&
           c.encoder_layers <= f.most_blocks && f.frontend == c.extractor_mode;
  });
  if (family == kFamilies.end() || c.conv_pos != usual.conv_pos ||
      c.conv_pos_groups != usual.conv_pos_groups || c.conv_pos_batch_norm) {
    ask_for_config(
        source,
        fmt::format(
            "its shapes are of no model known here, so that its attention heads cannot be counted: {} "
            "blocks of width {} and inner width {}, {} in the convolutions, a positional convolution of "
            "kernel {} in {} groups{}",
            c.total_layers(), c.encoder_embed_dim, c.encoder_ffn_embed_dim,
            c.extractor_mode == ExtractorMode::kLayerNorm ? "LayerNorm" : "GroupNorm", c.conv_pos,
            c.conv_pos_groups, c.conv_pos_batch_norm ? " after a BatchNorm" : ""));
  }
  c.encoder_attention_heads = family->heads;
  c.layer_norm_first = family->layer_norm_first;
}

}  // namespace

ModelConfig infer_config(const FoundTensors& found, const std::string& source) {
  ModelConfig c;
  c.conv_layers = infer_convs(found, source);
  const bool layer_norm = found.has("feature_extractor.conv_layers.0.2.1.weight");
  c.extractor_mode = layer_norm ? ExtractorMode::kLayerNorm : ExtractorMode::kGroupNorm;
  c.conv_bias = found.has("feature_extractor.conv_layers.0.0.bias");
  c.feat_proj_layer_norm = found.has("layer_norm.weight");

  const int64_t width = shape_of(found, source, "encoder.layer_norm.weight", 1)[0];
  c.encoder_embed_dim = static_cast<int>(width);
  c.encoder_ffn_embed_dim = static_cast<int>(shape_of(found, source, "encoder.layers.0.fc1.weight", 2)[0]);

  const auto block_tensor = [](int block, const char* name) {
    return fmt::format("encoder.layers.{}.{}", block, name);
  };
  c.encoder_layers = 0;
  while (found.has(block_tensor(c.encoder_layers, "self_attn_layer_norm.weight"))) ++c.encoder_layers;
  c.encoder_layers_1 = 0;
  while (found.has(block_tensor(c.total_layers(), "self_attn_layer_norm.weight_ln.weight")))
    ++c.encoder_layers_1;
  if (c.speaker_conditioned()) {
    const std::string name = block_tensor(c.encoder_layers, "self_attn_layer_norm.weight_ln.weight");
    c.speaker_dim = static_cast<int>(shape_of(found, source, name, 2)[1]);
  }

  c.conv_pos_batch_norm = found.has(kPosConvBatchNorm);
  const std::string pos_conv = pos_conv_name(c);
  const bool weight_norm = found.has(pos_conv + ".weight_v");
  const std::vector<int64_t> pos =
      shape_of(found, source, pos_conv + (weight_norm ? ".weight_v" : ".weight"), 3);
  c.conv_pos = static_cast<int>(pos[2]);
  if (width % pos[1] != 0) {
    ask_for_config(source, fmt::format("its positional convolution of shape {} fits no number of groups",
                                       checkpoint::shape_text(pos)));
  }
  c.conv_pos_groups = static_cast<int>(width / pos[1]);
  settle_by_family(c, source);
  c.validate();
  return c;
}

}  // namespace contentvec::hubert
