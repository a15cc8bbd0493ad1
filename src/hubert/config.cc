#include "contentvec/config.h"

#include "checkpoint/json_text.h"
#include "hubert/config_json.h"
#include "runtime/fail.h"

namespace contentvec {
namespace {

/// No real model comes near these; beyond them sizes could stop fitting where they are multiplied.
constexpr int kMaxConvs = 32;
constexpr int kMaxWidth = 1 << 16;
constexpr int kMaxKernel = 1 << 12;
constexpr int kMaxLayers = 1 << 10;

void check_range(const char* field, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) {
    fail("model configuration: {} is {}, expected {} to {}", field, value, low, high);
  }
}

void check_divides(const char* divisor_name, int divisor, const char* name, int value) {
  if (value % divisor != 0) {
    fail("model configuration: {} ({}) does not divide {} ({})", divisor_name, divisor, name, value);
  }
}

}  // namespace

int64_t ModelConfig::receptive_field() const {
  int64_t samples = 1;
  for (auto conv = conv_layers.rbegin(); conv != conv_layers.rend(); ++conv) {
    samples = (samples - 1) * conv->stride + conv->kernel;
  }
  return samples;
}

int64_t ModelConfig::hop() const {
  int64_t samples = 1;
  for (const ConvLayer& conv : conv_layers) samples *= conv.stride;
  return samples;
}

int64_t ModelConfig::frames(int64_t samples) const {
  return samples < receptive_field() ? 0 : (samples - receptive_field()) / hop() + 1;
}

void ModelConfig::validate() const {
  check_range("number of conv_layers", static_cast<int64_t>(conv_layers.size()), 1, kMaxConvs);
  int64_t reach = 1;
  for (const ConvLayer& conv : conv_layers) {
    check_range("conv_layers' width", conv.dim, 1, kMaxWidth);
    check_range("conv_layers' kernel", conv.kernel, 1, kMaxKernel);
    check_range("conv_layers' stride", conv.stride, 1, kMaxKernel);
    reach *= conv.kernel + conv.stride;
    check_range("reach of conv_layers in samples", reach, 1, int64_t{1} << 40);
  }
  check_range("encoder_embed_dim", encoder_embed_dim, 1, kMaxWidth);
  check_range("encoder_ffn_embed_dim", encoder_ffn_embed_dim, 1, kMaxWidth);
  check_range("encoder_attention_heads", encoder_attention_heads, 1, kMaxWidth);
  check_range("encoder_layers", encoder_layers, 0, kMaxLayers);
  check_range("encoder_layers_1", encoder_layers_1, 0, kMaxLayers);
  check_range("encoder_layers + encoder_layers_1", total_layers(), 1, kMaxLayers);
  check_range("speaker_dim", speaker_dim, 1, kMaxWidth);
  check_range("conv_pos", conv_pos, 1, kMaxKernel);
  check_range("conv_pos_groups", conv_pos_groups, 1, kMaxWidth);
  check_range("final_dim", final_dim, 0, kMaxWidth);
  check_divides("encoder_attention_heads", encoder_attention_heads, "encoder_embed_dim", encoder_embed_dim);
  check_divides("conv_pos_groups", conv_pos_groups, "encoder_embed_dim", encoder_embed_dim);
  if (!(layer_norm_eps > 0.0F && layer_norm_eps < 1.0F)) {
    fail("model configuration: layer_norm_eps is {}, expected a value between 0 and 1", layer_norm_eps);
  }
  if (layer_norm_first && speaker_conditioned()) {
    fail(
        "model configuration: layer_norm_first with encoder_layers_1 = {}: speaker-conditioned pre-norm "
        "blocks are not supported, since ContentVec's own code, which would define them, cannot run them",
        encoder_layers_1);
  }
}

ModelConfig ModelConfig::from_json(std::string_view text, std::string_view origin) {
  return hubert::config_from_json(checkpoint::parse_json(text, origin), origin);
}

ModelConfig ModelConfig::from_json_file(const std::filesystem::path& path) {
  return from_json(checkpoint::read_json_text(path), path.string());
}

std::string ModelConfig::to_json() const {
  return hubert::config_to_json(*this);
}

}  // namespace contentvec
