#include "model/layout.h"

#include <array>
#include <utility>

#include "runtime/fail.h"

namespace contentvec::model {
namespace {

using Rule =
    std::pair<std::string_view, std::string_view>;  // part of a canonical name, its spelling in the layout

/// Parts of names that differ from fairseq's, most specific first; each applies to where the canonical one
/// stands.
constexpr std::array kHfRules = {
    Rule{"post_extract_proj.", "feature_projection.projection."},
    Rule{"encoder.pos_conv.0.", "encoder.pos_conv_embed.conv."},
    Rule{".self_attn_layer_norm.", ".layer_norm."},
    Rule{".self_attn.", ".attention."},
    Rule{".fc1.", ".feed_forward.intermediate_dense."},
    Rule{".fc2.", ".feed_forward.output_dense."},
};

/// Weights that training, masking or other heads use.
constexpr std::array<std::string_view, 22> kSkipped = {
    "mask_emb",        "masked_spec_embed", "label_embs_concat", "layer_proj",   "encoder.cond_layer_norm.",
    "target_glu.",     "quantizer.",        "project_q.",        "project_hid.", "project_inp.",
    "input_quantizer", "lm_head.",          "projector.",        "classifier.",  "layer_weights",
    "w2v_proj",        "criterion",         "optimizer",         "teacher",      "ema.",
    "final_proj_list", "dropout_"};

/// Parts of names that only a model with other arithmetic has.
constexpr std::array kUnsupported = {
    Rule{"adapter", "adapters"},
    Rule{"relative_attention_bias", "relative positions (as WavLM has)"},
    Rule{"rel_attn_embed", "relative positions (as WavLM has)"},
    Rule{"gru_rel_pos", "relative positions (as WavLM has)"},
    Rule{"grep_linear", "relative positions (as WavLM has)"},
    Rule{"grep_a", "relative positions (as WavLM has)"},
    Rule{"pos_conv_embed.batch_norm", "a BatchNorm before the positional convolution"},
    Rule{"pos_conv.0.running_", "a BatchNorm before the positional convolution"},
    Rule{"pos_conv_embed.layers.", "stacked positional convolutions (as data2vec has)"},
    Rule{"pos_conv.0.0.", "stacked positional convolutions (as data2vec has)"},
    Rule{"conv_module.", "Conformer blocks"},
    Rule{"linear_pos", "Conformer blocks"},
    Rule{"lora_", "LoRA weights that are not merged"},
    Rule{".scales", "quantised weights"},
};

bool replace_first(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at == std::string::npos) return false;
  text.replace(at, from.size(), to);
  return true;
}

bool starts_with_any(std::string_view name, const auto& starts) {
  for (const std::string_view start : starts) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

/// Both spellings of torch's weight norm, old (weight_g) and new (parametrizations), become the old.
void unify_weight_norm(std::string& name) {
  replace_first(name, ".parametrizations.weight.original0", ".weight_g");
  replace_first(name, ".parametrizations.weight.original1", ".weight_v");
}

constexpr std::string_view kConvs = "feature_extractor.conv_layers.";

/// "feature_extractor.conv_layers.N." + rest: rest's position, or npos.
size_t after_conv_index(std::string_view name) {
  if (!name.starts_with(kConvs)) return std::string_view::npos;
  const size_t dot = name.find('.', kConvs.size());
  return dot == std::string_view::npos ? dot : dot + 1;
}

/// Hugging Face and MLX name a conv block's parts: conv, and layer_norm or norm; fairseq numbers them.
void canonical_conv(std::string& name, std::string_view norm, bool layer_norm_frontend) {
  const size_t at = after_conv_index(name);
  if (at == std::string::npos) return;
  const std::string rest = name.substr(at);
  if (rest.starts_with("conv.")) {
    name.replace(at, 5, "0.");
  } else if (rest.starts_with(norm)) {
    name.replace(at, norm.size(), layer_norm_frontend ? "2.1." : "2.");
  }
}

std::string canonical_from_hf(std::string name, bool layer_norm_frontend) {
  canonical_conv(name, "layer_norm.", layer_norm_frontend);
  if (replace_first(name, "feature_projection.layer_norm.", "layer_norm.")) return name;
  const bool in_block = name.starts_with("encoder.layers.");
  for (const auto& [canonical, hf] : kHfRules) {
    if (hf == ".layer_norm." && !in_block) continue;
    if (replace_first(name, hf, canonical)) break;
  }
  return name;
}

std::string canonical_from_mlx(std::string name, bool layer_norm_frontend) {
  canonical_conv(name, "norm.", layer_norm_frontend);
  replace_first(name, "encoder.pos_conv.layers.", "encoder.pos_conv.");
  replace_first(name, "encoder.pos_conv.0.module.", "encoder.pos_conv.0.");
  if (name == "encoder.pos_conv.0.g") return "encoder.pos_conv.0.weight_g";
  if (name == "encoder.pos_conv.0.v") return "encoder.pos_conv.0.weight_v";
  return name;
}

/// Whether a canonical name has the form of one the model could need; the tensor table decides whether it
/// does.
bool is_model_name(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kStarts = {kConvs,
                                                              "layer_norm.weight",
                                                              "layer_norm.bias",
                                                              "post_extract_proj.",
                                                              "encoder.pos_conv.0.",
                                                              "encoder.layers.",
                                                              "encoder.layer_norm.",
                                                              "final_proj.weight",
                                                              "final_proj.bias"};
  return starts_with_any(name, kStarts);
}

}  // namespace

std::string_view layout_name(Layout layout) {
  switch (layout) {
    case Layout::kFairseq:
      return "fairseq";
    case Layout::kHf:
      return "hf";
    case Layout::kMlx:
      return "mlx";
  }
  return "";
}

RecognisedLayout recognise_layout(const checkpoint::Checkpoint& file) {
  constexpr std::string_view kFairseqFirst = "feature_extractor.conv_layers.0.0.weight";
  constexpr std::string_view kNamedFirst = "feature_extractor.conv_layers.0.conv.weight";
  std::vector<RecognisedLayout> found;
  for (const auto& [name, tensor] : file.tensors) {
    for (const std::string_view first : {kFairseqFirst, kNamedFirst}) {
      if (!name.ends_with(first)) continue;
      RecognisedLayout layout;
      layout.prefix = name.substr(0, name.size() - first.size());
      if (!layout.prefix.empty() && !layout.prefix.ends_with('.')) continue;
      if (first == kNamedFirst) {
        layout.layout = file.tensors.contains(layout.prefix + "feature_projection.projection.weight")
                            ? Layout::kHf
                            : Layout::kMlx;
      }
      layout.channels_last = tensor.shape.size() == 3 && tensor.shape[2] == 1 && tensor.shape[1] != 1;
      const char* norm = layout.layout == Layout::kFairseq ? "2.1.weight"
                         : layout.layout == Layout::kHf    ? "layer_norm.weight"
                                                           : "norm.weight";
      layout.layer_norm_frontend = file.tensors.contains(layout.prefix + std::string(kConvs) + "1." + norm);
      found.push_back(layout);
    }
  }
  if (found.empty()) {
    std::string names;
    int shown = 0;
    for (auto it = file.tensors.begin(); it != file.tensors.end() && shown < 3; ++it, ++shown) {
      names += (names.empty() ? "" : ", ") + it->first;
    }
    fail(
        "{}: not a HuBERT, ContentVec or wav2vec 2.0 model: none of its {} tensors is {} (fairseq) or {} "
        "(Hugging Face, "
        "MLX){}{}",
        file.source, file.tensors.size(), kFairseqFirst, kNamedFirst, names.empty() ? "" : "; it has ",
        names);
  }
  if (found.size() > 1) {
    fail(
        "{}: holds {} models, under the prefixes \"{}\" and \"{}\"; expected one: save the one you want by "
        "itself",
        file.source, found.size(), found[0].prefix, found[1].prefix);
  }
  return found.front();
}

NameMeaning meaning_of(const RecognisedLayout& layout, std::string_view full_name) {
  using Kind = NameMeaning::Kind;
  const bool inside = full_name.starts_with(layout.prefix);
  std::string name(inside ? full_name.substr(layout.prefix.size()) : full_name);
  if (starts_with_any(name, kSkipped) || name.ends_with("num_batches_tracked")) return {Kind::kSkipped, name};
  for (const auto& [part, what] : kUnsupported) {
    if (inside && name.find(part) != std::string::npos) return {Kind::kUnsupported, std::string(what)};
  }
  unify_weight_norm(name);
  if (layout.layout == Layout::kHf) name = canonical_from_hf(std::move(name), layout.layer_norm_frontend);
  if (layout.layout == Layout::kMlx) name = canonical_from_mlx(std::move(name), layout.layer_norm_frontend);
  // Beside a prefixed model only its head may stand: CTC and feature-projection wrappers keep final_proj
  // outside.
  const bool known = inside ? is_model_name(name) : name == "final_proj.weight" || name == "final_proj.bias";
  return {known ? Kind::kTensor : Kind::kUnknown, name};
}

std::string name_in_layout(Layout layout, std::string_view canonical) {
  std::string name(canonical);
  if (layout == Layout::kFairseq) return name;
  const size_t at = after_conv_index(name);
  if (at != std::string::npos) {
    const std::string_view norm = layout == Layout::kHf ? "layer_norm." : "norm.";
    if (name.compare(at, 2, "0.") == 0) {
      name.replace(at, 2, "conv.");
    } else if (name.compare(at, 4, "2.1.") == 0) {
      name.replace(at, 4, norm);
    } else if (name.compare(at, 2, "2.") == 0) {
      name.replace(at, 2, norm);
    }
    return name;
  }
  if (layout == Layout::kMlx) {
    if (name == "encoder.pos_conv.0.weight_g") return "encoder.pos_conv.layers.0.g";
    if (name == "encoder.pos_conv.0.weight_v") return "encoder.pos_conv.layers.0.v";
    replace_first(name, "encoder.pos_conv.0.", "encoder.pos_conv.layers.0.module.");
    return name;
  }
  if (name.starts_with("layer_norm.")) return "feature_projection." + name;
  for (const auto& [from, hf] : kHfRules) {
    if (replace_first(name, from, hf)) break;
  }
  return name;  // weight_g and weight_v as they are: transformers with any torch reads them, parametrizations
                // only new ones
}

}  // namespace contentvec::model
