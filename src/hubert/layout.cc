#include "hubert/layout.h"

#include <array>
#include <utility>

#include "checkpoint/model_kind.h"
#include "runtime/fail.h"
#include "tensors/weight_norm.h"

namespace contentvec::hubert {
namespace {

/// A part of a canonical name, and its spelling in the layout.
using Rule = std::pair<std::string_view, std::string_view>;

/// Parts of names that differ from fairseq's, most specific first; each applies to where the canonical one
/// stands.
constexpr std::array kHfRules = {
    Rule{"post_extract_proj.", "feature_projection.projection."},
    Rule{".self_attn_layer_norm.", ".layer_norm."},
    Rule{".self_attn.", ".attention."},
    Rule{".fc1.", ".feed_forward.intermediate_dense."},
    Rule{".fc2.", ".feed_forward.output_dense."},
};

constexpr std::array kSoftVcRules = {
    Rule{"post_extract_proj.", "feature_projection.projection."},
    Rule{"encoder.pos_conv.0.", "positional_embedding.conv."},
    Rule{"encoder.layer_norm.", "norm."},
    Rule{".self_attn_layer_norm.", ".norm1."},
    Rule{".final_layer_norm.", ".norm2."},
    Rule{".fc1.", ".linear1."},
    Rule{".fc2.", ".linear2."},
    Rule{"final_proj.", "proj."},
};

/// Weights that training, masking or other heads use.
constexpr std::array<std::string_view, 25> kSkipped = {"mask_emb",
                                                       "masked_spec_embed",
                                                       "label_embs_concat",
                                                       "layer_proj",
                                                       "encoder.cond_layer_norm.",
                                                       "target_glu.",
                                                       "quantizer.",
                                                       "project_q.",
                                                       "project_hid.",
                                                       "project_inp.",
                                                       "input_quantizer",
                                                       "lm_head.",
                                                       "projector.",
                                                       "classifier.",
                                                       "layer_weights",
                                                       "w2v_proj",
                                                       "criterion",
                                                       "optimizer",
                                                       "teacher",
                                                       "ema.",
                                                       "final_proj_list",
                                                       "dropout_",
                                                       "label_embedding",
                                                       "mask_generator.",
                                                       "aux."};

/// Parts of names that only a model with other arithmetic has.
constexpr std::array kUnsupported = {
    Rule{"adapter", "adapters"},
    Rule{"relative_attention_bias", "relative positions (as WavLM has)"},
    Rule{"rel_attn_embed", "relative positions (as WavLM has)"},
    Rule{"gru_rel_pos", "relative positions (as WavLM has)"},
    Rule{"grep_linear", "relative positions (as WavLM has)"},
    Rule{"grep_a", "relative positions (as WavLM has)"},
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

bool replace_start(std::string& text, std::string_view from, std::string_view to) {
  return text.starts_with(from) && replace_first(text, from, to);
}

bool starts_with_any(std::string_view name, const auto& starts) {
  for (const std::string_view start : starts) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

constexpr std::string_view kConvs = "feature_extractor.conv_layers.";

/// "feature_extractor.conv_layers.N." + rest: rest's position, or npos.
size_t after_conv_index(std::string_view name) {
  if (!name.starts_with(kConvs)) return std::string_view::npos;
  const size_t dot = name.find('.', kConvs.size());
  return dot == std::string_view::npos ? dot : dot + 1;
}

/// Hugging Face, torchaudio and MLX name a conv block's parts: conv, and layer_norm or norm; fairseq numbers
/// them.
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

std::string canonical_from_hf(std::string name, const RecognisedLayout& layout) {
  canonical_conv(name, "layer_norm.", layout.layer_norm_frontend);
  if (replace_start(name, "feature_projection.layer_norm.", "layer_norm.")) return name;
  if (replace_start(name, "encoder.pos_conv_embed.batch_norm.", "encoder.pos_conv.0.")) return name;
  const char* conv = layout.pos_conv_batch_norm ? "encoder.pos_conv.1." : "encoder.pos_conv.0.";
  if (replace_start(name, "encoder.pos_conv_embed.conv.", conv)) return name;
  const bool in_block = name.starts_with("encoder.layers.");
  for (const auto& [canonical, hf] : kHfRules) {
    if (hf == ".layer_norm." && !in_block) continue;
    if (replace_first(name, hf, canonical)) break;
  }
  return name;
}

/// torchaudio's names are Hugging Face's but for two modules around them.
std::string canonical_from_torchaudio(std::string name, const RecognisedLayout& layout) {
  if (replace_start(name, "logit_generator.final_proj.", "final_proj.")) return name;
  replace_start(name, "encoder.feature_projection.", "feature_projection.");
  replace_start(name, "encoder.transformer.", "encoder.");
  return canonical_from_hf(std::move(name), layout);
}

std::string canonical_from_mlx(std::string name, bool layer_norm_frontend) {
  canonical_conv(name, "norm.", layer_norm_frontend);
  replace_first(name, "encoder.pos_conv.layers.", "encoder.pos_conv.");
  replace_first(name, "encoder.pos_conv.0.module.", "encoder.pos_conv.0.");
  if (name == "encoder.pos_conv.0.g") return "encoder.pos_conv.0.weight_g";
  if (name == "encoder.pos_conv.0.v") return "encoder.pos_conv.0.weight_v";
  return name;
}

constexpr std::string_view kSoftVcConv = "feature_extractor.conv";

std::string canonical_from_soft_vc(std::string name) {
  if (replace_start(name, "feature_extractor.norm0.", "feature_extractor.conv_layers.0.2.")) return name;
  if (replace_start(name, "feature_projection.norm.", "layer_norm.")) return name;
  if (name.starts_with(kSoftVcConv)) {  // conv3.weight
    const size_t dot = name.find('.', kSoftVcConv.size());
    if (dot == std::string::npos) return name;
    const std::string index = name.substr(kSoftVcConv.size(), dot - kSoftVcConv.size());
    return fmt::format("{}{}.0{}", kConvs, index, name.substr(dot));
  }
  const bool in_block = name.starts_with("encoder.layers.");
  for (const auto& [canonical, soft_vc] : kSoftVcRules) {
    if (in_block ? soft_vc.starts_with('.') && replace_first(name, soft_vc, canonical)
                 : replace_start(name, soft_vc, canonical)) {
      break;
    }
  }
  return name;
}

/// Whether a canonical name has the form of one the model could need; the tensor table decides whether it
/// does.
bool is_model_name(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kStarts = {kConvs,
                                                               "layer_norm.weight",
                                                               "layer_norm.bias",
                                                               "post_extract_proj.",
                                                               "encoder.pos_conv.0.",
                                                               "encoder.pos_conv.1.",
                                                               "encoder.layers.",
                                                               "encoder.layer_norm.",
                                                               "final_proj.weight",
                                                               "final_proj.bias"};
  return starts_with_any(name, kStarts);
}

bool has_start(const checkpoint::Checkpoint& file, const std::string& start) {
  const auto first = file.tensors.lower_bound(start);
  return first != file.tensors.end() && first->first.starts_with(start);
}

/// Each layout's spelling of the first convolution; Hugging Face's, MLX's and torchaudio's is one.
struct FirstConv {
  std::string_view name;
  Layout layout;
};
constexpr std::array kFirstConvs = {
    FirstConv{"feature_extractor.conv_layers.0.0.weight", Layout::kFairseq},
    FirstConv{"feature_extractor.conv_layers.0.conv.weight", Layout::kHf},
    FirstConv{"feature_extractor.conv0.weight", Layout::kSoftVc},
};

/// Which of the layouts that name their first convolution alike.
Layout named_layout(const checkpoint::Checkpoint& file, const std::string& prefix) {
  if (has_start(file, prefix + "encoder.transformer.")) return Layout::kTorchaudio;
  if (has_start(file, prefix + "feature_projection.")) return Layout::kHf;
  return has_start(file, prefix + "encoder.feature_projection.") ? Layout::kTorchaudio : Layout::kMlx;
}

/// The norms of a LayerNorm frontend, which its second convolution has and that of a GroupNorm frontend has
/// not.
std::string_view frontend_norm(Layout layout) {
  switch (layout) {
    case Layout::kHf:
    case Layout::kTorchaudio:
      return "layer_norm.weight";
    case Layout::kMlx:
      return "norm.weight";
    case Layout::kFairseq:
    case Layout::kSoftVc:
      break;
  }
  return "2.1.weight";
}

RecognisedLayout layout_at(const checkpoint::Checkpoint& file, const std::string& prefix, Layout layout,
                           const checkpoint::Tensor& first_conv) {
  RecognisedLayout found = {.layout = layout, .prefix = prefix};
  if (layout == Layout::kHf) found.layout = named_layout(file, prefix);
  found.channels_last = first_conv.shape.size() == 3 && first_conv.shape[2] == 1 && first_conv.shape[1] != 1;
  found.layer_norm_frontend =
      file.tensors.contains(fmt::format("{}{}1.{}", prefix, kConvs, frontend_norm(found.layout)));
  found.pos_conv_batch_norm = has_start(file, prefix + "encoder.pos_conv_embed.batch_norm.") ||
                              file.tensors.contains(prefix + "encoder.pos_conv.0.running_mean");
  return found;
}

}  // namespace

void strip_wrappers(checkpoint::Checkpoint& file) {
  static constexpr std::array<std::string_view, 4> kWrappers = {"_orig_mod.", "_checkpoint_wrapped_module.",
                                                                "_fsdp_wrapped_module.", "_fpw_module."};
  std::map<std::string, checkpoint::Tensor> stripped;
  for (auto& [full_name, tensor] : file.tensors) {
    std::string name = full_name;
    for (const std::string_view wrapper : kWrappers) {
      for (size_t at = 0; (at = name.find(wrapper, at)) != std::string::npos;) {
        if (at == 0 || name[at - 1] == '.') {
          name.erase(at, wrapper.size());
        } else {
          at += wrapper.size();
        }
      }
    }
    const auto [other, is_new] = stripped.try_emplace(name, std::move(tensor));
    if (!is_new) {
      fail("{}: tensors {} and {} stand for the same weight; expected one of them", file.source,
           other->second.name, full_name);
    }
  }
  file.tensors = std::move(stripped);
}

RecognisedLayout recognise_layout(const checkpoint::Checkpoint& file) {
  std::vector<RecognisedLayout> found;
  for (const auto& [name, tensor] : file.tensors) {
    for (const auto& [first, layout] : kFirstConvs) {
      if (!name.ends_with(first)) continue;
      const std::string prefix = name.substr(0, name.size() - first.size());
      if (!prefix.empty() && !prefix.ends_with('.')) continue;
      found.push_back(layout_at(file, prefix, layout, tensor));
    }
  }
  if (found.empty()) {
    if (const std::string_view other = checkpoint::describe_model(file); !other.empty()) {
      fail(
          "{}: expected the model of the content features (HuBERT, ContentVec or wav2vec 2.0), found {}; "
          "give RVC's hubert_base.pt, for example",
          file.source, other);
    }
    std::string names;
    int shown = 0;
    for (auto it = file.tensors.begin(); it != file.tensors.end() && shown < 3; ++it, ++shown) {
      names += (names.empty() ? "" : ", ") + it->first;
    }
    fail(
        "{}: not a HuBERT, ContentVec or wav2vec 2.0 model: none of its {} tensors is {} (fairseq), {} "
        "(Hugging Face, MLX, torchaudio) or {} (soft-VC){}{}",
        file.source, file.tensors.size(), kFirstConvs[0].name, kFirstConvs[1].name, kFirstConvs[2].name,
        names.empty() ? "" : "; it has ", names);
  }
  if (found.size() > 1) {
    fail(
        "{}: holds {} models, under the prefixes \"{}\" and \"{}\"; expected one: save the one you want by "
        "itself",
        file.source, found.size(), found[0].prefix, found[1].prefix);
  }
  return found.front();
}

namespace {

std::string canonical_name(const RecognisedLayout& layout, std::string name) {
  switch (layout.layout) {
    case Layout::kHf:
      return canonical_from_hf(std::move(name), layout);
    case Layout::kMlx:
      return canonical_from_mlx(std::move(name), layout.layer_norm_frontend);
    case Layout::kTorchaudio:
      return canonical_from_torchaudio(std::move(name), layout);
    case Layout::kSoftVc:
      return canonical_from_soft_vc(std::move(name));
    case Layout::kFairseq:
      break;
  }
  return name;
}

}  // namespace

NameMeaning meaning_of(const RecognisedLayout& layout, std::string_view full_name) {
  using Kind = NameMeaning::Kind;
  const bool inside = full_name.starts_with(layout.prefix);
  std::string name(inside ? full_name.substr(layout.prefix.size()) : full_name);
  if (starts_with_any(name, kSkipped) || name.ends_with("num_batches_tracked")) return {Kind::kSkipped, name};
  for (const auto& [part, what] : kUnsupported) {
    if (inside && name.find(part) != std::string::npos) return {Kind::kUnsupported, std::string(what)};
  }
  tensors::unify_weight_norm(name);
  name = canonical_name(layout, std::move(name));
  // Beside a prefixed model only its head may stand: CTC and feature-projection wrappers keep final_proj
  // outside.
  const bool known = inside ? is_model_name(name) : name == "final_proj.weight" || name == "final_proj.bias";
  return {known ? Kind::kTensor : Kind::kUnknown, name};
}

namespace {

/// The part after "feature_extractor.conv_layers.N." in Hugging Face's and MLX's names.
void name_conv(std::string& name, size_t at, std::string_view norm) {
  if (name.compare(at, 2, "0.") == 0) {
    name.replace(at, 2, "conv.");
  } else if (name.compare(at, 4, "2.1.") == 0) {
    name.replace(at, 4, norm);
  } else if (name.compare(at, 2, "2.") == 0) {
    name.replace(at, 2, norm);
  }
}

/// weight_g and weight_v stay as they are: transformers with any torch reads them, parametrizations only new
/// ones.
std::string name_in_hf(std::string name, bool pos_conv_batch_norm) {
  if (const size_t at = after_conv_index(name); at != std::string::npos) {
    name_conv(name, at, "layer_norm.");
    return name;
  }
  if (name.starts_with("layer_norm.")) return "feature_projection." + name;
  const char* first =
      pos_conv_batch_norm ? "encoder.pos_conv_embed.batch_norm." : "encoder.pos_conv_embed.conv.";
  if (replace_start(name, "encoder.pos_conv.0.", first)) return name;
  if (replace_start(name, "encoder.pos_conv.1.", "encoder.pos_conv_embed.conv.")) return name;
  for (const auto& [from, hf] : kHfRules) {
    if (replace_first(name, from, hf)) break;
  }
  return name;
}

std::string name_in_mlx(std::string name) {
  if (const size_t at = after_conv_index(name); at != std::string::npos) {
    name_conv(name, at, "norm.");
    return name;
  }
  if (name == "encoder.pos_conv.0.weight_g") return "encoder.pos_conv.layers.0.g";
  if (name == "encoder.pos_conv.0.weight_v") return "encoder.pos_conv.layers.0.v";
  replace_first(name, "encoder.pos_conv.0.", "encoder.pos_conv.layers.0.module.");
  return name;
}

std::string name_in_torchaudio(std::string_view canonical, bool pos_conv_batch_norm) {
  std::string name = name_in_hf(std::string(canonical), pos_conv_batch_norm);
  if (!replace_start(name, "encoder.", "encoder.transformer."))
    replace_start(name, "feature_projection.", "encoder.feature_projection.");
  return name;
}

std::string name_in_soft_vc(std::string name) {
  if (const size_t at = after_conv_index(name); at != std::string::npos) {
    const std::string index = name.substr(kConvs.size(), at - kConvs.size() - 1);
    const bool norm = name.compare(at, 2, "2.") == 0;
    return fmt::format("feature_extractor.{}{}.{}", norm ? "norm" : "conv", index, name.substr(at + 2));
  }
  if (name.starts_with("layer_norm.")) return "feature_projection." + name.substr(name.find("norm."));
  for (const char* part : {"q_proj.", "k_proj.", "v_proj."}) {
    if (replace_first(name, part, "in_proj_")) return name;
  }
  for (const auto& [from, soft_vc] : kSoftVcRules) {
    if (replace_first(name, from, soft_vc)) break;
  }
  return name;
}

}  // namespace

std::string name_in_layout(Layout layout, std::string_view canonical, bool pos_conv_batch_norm) {
  switch (layout) {
    case Layout::kHf:
      return name_in_hf(std::string(canonical), pos_conv_batch_norm);
    case Layout::kMlx:
      return name_in_mlx(std::string(canonical));
    case Layout::kTorchaudio:
      return name_in_torchaudio(canonical, pos_conv_batch_norm);
    case Layout::kSoftVc:
      return name_in_soft_vc(std::string(canonical));
    case Layout::kFairseq:
      break;
  }
  return std::string(canonical);
}

}  // namespace contentvec::hubert

namespace contentvec {
namespace {

constexpr auto kLayoutNames =
    std::to_array<std::pair<std::string_view, Layout>>({{"fairseq", Layout::kFairseq},
                                                        {"hf", Layout::kHf},
                                                        {"mlx", Layout::kMlx},
                                                        {"torchaudio", Layout::kTorchaudio},
                                                        {"soft-vc", Layout::kSoftVc}});

}  // namespace

std::string_view layout_name(Layout layout) {
  for (const auto& [name, named] : kLayoutNames) {
    if (named == layout) return name;
  }
  return "";
}

Layout layout_from_name(std::string_view name) {
  for (const auto& [known, layout] : kLayoutNames) {
    if (known == name) return layout;
  }
  fail(R"(layout is "{}"; expected "fairseq", "hf", "mlx", "torchaudio" or "soft-vc")", name);
}

}  // namespace contentvec
