#include "hubert/config_json.h"

#include <array>
#include <limits>
#include <utility>

#include "checkpoint/json_text.h"
#include "hubert/conv_expression.h"
#include "runtime/fail.h"

namespace contentvec::hubert {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<ExtractorMode, std::string_view>, 3> kModes = {{
    {ExtractorMode::kGroupNorm, "default"},
    {ExtractorMode::kGroupNormMasked, "group_norm_masked"},
    {ExtractorMode::kLayerNorm, "layer_norm"},
}};

/// Typed reading of an object's fields; every error names the origin and the field.
class Fields {
 public:
  Fields(const json& object, std::string_view origin) : object_(object), origin_(origin) {}

  /// The field, or null when it is absent or null itself.
  [[nodiscard]] const json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  void read(const char* key, int& to) const {
    if (const json* value = find(key)) to = as_int(*value, key);
  }
  void read(const char* key, bool& to) const {
    if (const json* value = find(key)) {
      if (!value->is_boolean()) wrong(key, "true or false", *value);
      to = value->get<bool>();
    }
  }
  void read(const char* key, std::optional<bool>& to) const {
    bool value = false;
    if (find(key) != nullptr) {
      read(key, value);
      to = value;
    }
  }
  void read(const char* key, float& to) const {
    if (const json* value = find(key)) {
      if (!value->is_number()) wrong(key, "a number", *value);
      to = value->get<float>();
    }
  }
  [[nodiscard]] std::string text(const char* key, std::string_view absent) const {
    const json* value = find(key);
    if (value == nullptr) return std::string(absent);
    if (!value->is_string()) wrong(key, "a string", *value);
    return value->get<std::string>();
  }
  [[nodiscard]] bool is_true(const char* key) const {
    const json* value = find(key);
    return value != nullptr && value->is_boolean() && value->get<bool>();
  }
  [[nodiscard]] int as_int(const json& value, const char* key) const {
    if (!value.is_number_integer() || value < std::numeric_limits<int>::min() ||
        value > std::numeric_limits<int>::max()) {
      wrong(key, "a whole number", value);
    }
    return value.get<int>();
  }
  [[noreturn]] void wrong(const char* key, std::string_view expected, const json& found) const {
    std::string text = found.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 60) + "...";
    fail("{}: \"{}\" should be {}, found {}", origin_, key, expected, text);
  }
  [[noreturn]] void unsupported(std::string_view what) const {
    fail(
        "{}: the model has {}, which this library does not compute (it knows HuBERT, ContentVec and wav2vec "
        "2.0 encoders with GELU)",
        origin_, what);
  }
  [[nodiscard]] std::string_view origin() const { return origin_; }

 private:
  const json& object_;
  std::string_view origin_;
};

ExtractorMode mode_of(const Fields& fields, std::string_view text) {
  for (const auto& [mode, name] : kModes) {
    if (name == text) return mode;
  }
  fail("{}: \"extractor_mode\" should be default, group_norm_masked or layer_norm, found \"{}\"",
       fields.origin(), text);
}

/// [[dim, kernel, stride], ...], or fairseq's expression in a string.
std::vector<ConvLayer> conv_layers_of(const Fields& fields, const char* key, const json& value) {
  if (value.is_string()) return parse_conv_layers(value.get<std::string>(), fields.origin());
  std::vector<ConvLayer> convs;
  if (!value.is_array()) fields.wrong(key, "a list of [width, kernel, stride]", value);
  for (const json& conv : value) {
    if (!conv.is_array() || conv.size() != 3) fields.wrong(key, "a list of [width, kernel, stride]", value);
    convs.push_back({fields.as_int(conv[0], key), fields.as_int(conv[1], key), fields.as_int(conv[2], key)});
  }
  return convs;
}

/// The fields that fairseq's configurations and this library's own form share.
void read_common(const Fields& fields, ModelConfig& c) {
  c.extractor_mode = mode_of(fields, fields.text("extractor_mode", "default"));
  fields.read("conv_bias", c.conv_bias);
  fields.read("encoder_embed_dim", c.encoder_embed_dim);
  fields.read("encoder_ffn_embed_dim", c.encoder_ffn_embed_dim);
  fields.read("encoder_attention_heads", c.encoder_attention_heads);
  fields.read("encoder_layers", c.encoder_layers);
  fields.read("encoder_layers_1", c.encoder_layers_1);
  fields.read("conv_pos", c.conv_pos);
  fields.read("conv_pos_groups", c.conv_pos_groups);
  fields.read("conv_pos_batch_norm", c.conv_pos_batch_norm);
  fields.read("layer_norm_first", c.layer_norm_first);
  fields.read("final_dim", c.final_dim);
  fields.read("normalize", c.normalize);
}

ModelConfig from_own_form(const Fields& fields) {
  ModelConfig c;
  if (const json* convs = fields.find("conv_layers"))
    c.conv_layers = conv_layers_of(fields, "conv_layers", *convs);
  read_common(fields, c);
  fields.read("speaker_dim", c.speaker_dim);
  fields.read("feat_proj_layer_norm", c.feat_proj_layer_norm);
  fields.read("layer_norm_eps", c.layer_norm_eps);
  return c;
}

void refuse_unsupported_hf(const Fields& fields) {
  const std::string type = fields.text("model_type", "hubert");
  if (type != "hubert" && type != "wav2vec2") fields.unsupported("model_type \"" + type + "\"");
  for (const char* key : {"hidden_act", "feat_extract_activation"}) {
    const std::string activation = fields.text(key, "gelu");
    if (activation != "gelu" && activation != "gelu_python") {
      fields.unsupported(fmt::format("{} \"{}\"", key, activation));
    }
  }
  if (fields.is_true("add_adapter")) fields.unsupported("an adapter (add_adapter)");
  if (fields.find("adapter_attn_dim") != nullptr)
    fields.unsupported("adapters in its blocks (adapter_attn_dim)");
}

/// Three lists of one length: conv_dim, conv_kernel, conv_stride.
void read_hf_convs(const Fields& fields, ModelConfig& c) {
  std::array<std::vector<int>, 3> lists;
  const std::array<const char*, 3> keys = {"conv_dim", "conv_kernel", "conv_stride"};
  for (size_t i = 0; i < 3; ++i) {
    if (const json* value = fields.find(keys[i])) {
      if (!value->is_array()) fields.wrong(keys[i], "a list of whole numbers", *value);
      for (const json& entry : *value) lists[i].push_back(fields.as_int(entry, keys[i]));
    } else {
      for (const ConvLayer& conv : ModelConfig().conv_layers) {
        lists[i].push_back(i == 0 ? conv.dim : i == 1 ? conv.kernel : conv.stride);
      }
    }
  }
  if (lists[0].size() != lists[1].size() || lists[0].size() != lists[2].size()) {
    fail("{}: conv_dim, conv_kernel and conv_stride should have one length, found {}, {} and {}",
         fields.origin(), lists[0].size(), lists[1].size(), lists[2].size());
  }
  c.conv_layers.clear();
  for (size_t i = 0; i < lists[0].size(); ++i)
    c.conv_layers.push_back({lists[0][i], lists[1][i], lists[2][i]});
}

ModelConfig from_hf_form(const Fields& fields) {
  refuse_unsupported_hf(fields);
  ModelConfig c;
  read_hf_convs(fields, c);
  const std::string norm = fields.text("feat_extract_norm", "group");
  if (norm != "group" && norm != "layer") {
    fail("{}: \"feat_extract_norm\" should be group or layer, found \"{}\"", fields.origin(), norm);
  }
  c.extractor_mode = norm == "layer" ? ExtractorMode::kLayerNorm : ExtractorMode::kGroupNorm;
  fields.read("conv_bias", c.conv_bias);
  fields.read("hidden_size", c.encoder_embed_dim);
  fields.read("intermediate_size", c.encoder_ffn_embed_dim);
  fields.read("num_attention_heads", c.encoder_attention_heads);
  fields.read("num_hidden_layers", c.encoder_layers);
  fields.read("num_conv_pos_embeddings", c.conv_pos);
  fields.read("num_conv_pos_embedding_groups", c.conv_pos_groups);
  fields.read("conv_pos_batch_norm", c.conv_pos_batch_norm);
  fields.read("do_stable_layer_norm", c.layer_norm_first);
  fields.read("feat_proj_layer_norm", c.feat_proj_layer_norm);
  fields.read("layer_norm_eps", c.layer_norm_eps);
  fields.read("classifier_proj_size", c.final_dim);
  return c;
}

void refuse_unsupported_fairseq(const Fields& fields) {
  const std::string activation = fields.text("activation_fn", "gelu");
  if (activation != "gelu") fields.unsupported("activation_fn \"" + activation + "\"");
  const std::string layer = fields.text("layer_type", "transformer");
  if (layer != "transformer") fields.unsupported("layer_type \"" + layer + "\"");
  if (fields.is_true("quantize_input")) fields.unsupported("quantised encoder input (quantize_input)");
  if (fields.is_true("relative_position_embedding")) fields.unsupported("relative positions, as WavLM has");
  int depth = 1;
  fields.read("pos_conv_depth", depth);
  if (depth > 1) fields.unsupported("stacked positional convolutions (pos_conv_depth), as data2vec has");
}

/// The object in `json` that holds the encoder's fields: cfg.model, a fine-tuned model's inner w2v_args, or
/// args itself.
const json* find_fairseq_model(const json& config, int depth = 0) {
  if (!config.is_object() || depth > 4) return nullptr;
  if (config.contains("encoder_embed_dim") || config.contains("conv_feature_layers")) return &config;
  for (const char* key : {"model", "w2v_args"}) {
    const auto inner = config.find(key);
    if (inner == config.end()) continue;
    if (const json* found = find_fairseq_model(*inner, depth + 1)) return found;
  }
  return nullptr;
}

}  // namespace

ModelConfig config_from_json(const json& object, std::string_view origin) {
  if (!object.is_object())
    fail("{}: a model configuration should be a JSON object, found {}", origin, object.type_name());
  const Fields fields(object, origin);
  ModelConfig config;
  if (fields.find("hidden_size") != nullptr) {
    config = from_hf_form(fields);
  } else if (fields.find("encoder_embed_dim") != nullptr || fields.find("conv_layers") != nullptr) {
    config = from_own_form(fields);
  } else {
    fail(
        "{}: no model configuration: expected \"encoder_embed_dim\" (this library's form) or \"hidden_size\" "
        "(a Hugging Face config.json)",
        origin);
  }
  config.validate();
  return config;
}

bool config_from_fairseq(const json& object, std::string_view origin, ModelConfig& config) {
  const json* model = find_fairseq_model(object);
  if (model == nullptr) return false;
  const Fields fields(*model, origin);
  refuse_unsupported_fairseq(fields);
  ModelConfig c;
  if (const json* convs = fields.find("conv_feature_layers")) {
    c.conv_layers = conv_layers_of(fields, "conv_feature_layers", *convs);
  }
  read_common(fields, c);  // in the flat `args`, "normalize" is among these
  const auto task = object.find("task");
  if (task != object.end() && task->is_object()) Fields(*task, origin).read("normalize", c.normalize);
  c.validate();
  config = c;
  return true;
}

namespace {

/// 1e-05, where float32's own value would be written 9.999999747378752e-06. Whatever the program's locale.
json shortest(float value) {
  return checkpoint::parse_json(fmt::format("{}", value));
}

}  // namespace

std::string config_to_json(const ModelConfig& c) {
  nlohmann::ordered_json j;
  for (const ConvLayer& conv : c.conv_layers)
    j["conv_layers"].push_back({conv.dim, conv.kernel, conv.stride});
  for (const auto& [mode, name] : kModes) {
    if (mode == c.extractor_mode) j["extractor_mode"] = name;
  }
  j["conv_bias"] = c.conv_bias;
  j["encoder_embed_dim"] = c.encoder_embed_dim;
  j["encoder_ffn_embed_dim"] = c.encoder_ffn_embed_dim;
  j["encoder_attention_heads"] = c.encoder_attention_heads;
  j["encoder_layers"] = c.encoder_layers;
  j["encoder_layers_1"] = c.encoder_layers_1;
  j["speaker_dim"] = c.speaker_dim;
  j["conv_pos"] = c.conv_pos;
  j["conv_pos_groups"] = c.conv_pos_groups;
  j["conv_pos_batch_norm"] = c.conv_pos_batch_norm;
  j["layer_norm_first"] = c.layer_norm_first;
  j["final_dim"] = c.final_dim;
  j["feat_proj_layer_norm"] = c.feat_proj_layer_norm;
  j["layer_norm_eps"] = shortest(c.layer_norm_eps);
  if (c.normalize) j["normalize"] = *c.normalize;
  return j.dump();
}

std::string config_to_hf_json(const ModelConfig& c) {
  nlohmann::ordered_json j;
  j["architectures"] = {"HubertModel"};
  j["model_type"] = "hubert";
  j["hidden_size"] = c.encoder_embed_dim;
  j["num_hidden_layers"] = c.encoder_layers;
  j["num_attention_heads"] = c.encoder_attention_heads;
  j["intermediate_size"] = c.encoder_ffn_embed_dim;
  j["hidden_act"] = "gelu";
  j["feat_extract_activation"] = "gelu";
  j["feat_extract_norm"] = c.extractor_mode == ExtractorMode::kLayerNorm ? "layer" : "group";
  j["feat_proj_layer_norm"] = c.feat_proj_layer_norm;
  for (const ConvLayer& conv : c.conv_layers) {
    j["conv_dim"].push_back(conv.dim);
    j["conv_kernel"].push_back(conv.kernel);
    j["conv_stride"].push_back(conv.stride);
  }
  j["num_feat_extract_layers"] = c.conv_layers.size();
  j["conv_bias"] = c.conv_bias;
  j["num_conv_pos_embeddings"] = c.conv_pos;
  j["num_conv_pos_embedding_groups"] = c.conv_pos_groups;
  j["conv_pos_batch_norm"] = c.conv_pos_batch_norm;
  j["do_stable_layer_norm"] = c.layer_norm_first;
  j["layer_norm_eps"] = shortest(c.layer_norm_eps);
  if (c.final_dim > 0) j["classifier_proj_size"] = c.final_dim;
  // These two are for training. Where both are 0 transformers' model has no masked_spec_embed, a tensor that
  // is not written here.
  j["mask_time_prob"] = 0.0;
  j["mask_feature_prob"] = 0.0;
  return j.dump(2) + "\n";
}

}  // namespace contentvec::hubert
