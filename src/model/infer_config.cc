#include "model/infer_config.h"

#include <algorithm>
#include <array>

#include "runtime/fail.h"

namespace contentvec::model {
namespace {

constexpr int64_t kHeadSize = 64;  // of every published HuBERT, ContentVec and wav2vec 2.0

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
  const std::vector<ConvLayer> usual = ModelConfig().conv_layers;
  const bool usual_kernels =
      std::equal(convs.begin(), convs.end(), usual.begin(), usual.end(),
                 [](const ConvLayer& a, const ConvLayer& b) { return a.kernel == b.kernel; });
  if (!usual_kernels) {
    std::string kernels;
    for (const ConvLayer& conv : convs)
      kernels += (kernels.empty() ? "" : ", ") + std::to_string(conv.kernel);
    ask_for_config(source,
                   fmt::format("strides can be guessed for convolutions of kernel 10, 3, 3, 3, 3, 2, 2 only, "
                               "these have {}",
                               kernels));
  }
  for (size_t i = 0; i < convs.size(); ++i) convs[i].stride = usual[i].stride;
  return convs;
}

}  // namespace

ModelConfig infer_config(const FoundTensors& found, const std::string& source) {
  ModelConfig c;
  c.conv_layers = infer_convs(found, source);
  const bool layer_norm = found.has("feature_extractor.conv_layers.0.2.1.weight");
  c.extractor_mode = layer_norm ? ExtractorMode::kLayerNorm : ExtractorMode::kGroupNorm;
  c.layer_norm_first = layer_norm;
  c.conv_bias = found.has("feature_extractor.conv_layers.0.0.bias");
  c.feat_proj_layer_norm = found.has("layer_norm.weight");

  const int64_t width = shape_of(found, source, "encoder.layer_norm.weight", 1)[0];
  c.encoder_embed_dim = static_cast<int>(width);
  if (width % kHeadSize != 0) {
    ask_for_config(source,
                   fmt::format("its width {} is no multiple of the usual head size {}", width, kHeadSize));
  }
  c.encoder_attention_heads = static_cast<int>(width / kHeadSize);
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

  const bool weight_norm = found.has("encoder.pos_conv.0.weight_v");
  const std::vector<int64_t> pos =
      shape_of(found, source, weight_norm ? "encoder.pos_conv.0.weight_v" : "encoder.pos_conv.0.weight", 3);
  c.conv_pos = static_cast<int>(pos[2]);
  if (width % pos[1] != 0) {
    ask_for_config(source, fmt::format("its positional convolution of shape {} fits no number of groups",
                                       checkpoint::shape_text(pos)));
  }
  c.conv_pos_groups = static_cast<int>(width / pos[1]);
  c.validate();
  return c;
}

}  // namespace contentvec::model
