#include "hubert/model_file.h"

#include <algorithm>

#include "hubert/config_json.h"
#include "hubert/found_tensors.h"
#include "hubert/infer_config.h"
#include "hubert/layout.h"
#include "hubert/synthetic.h"
#include "runtime/fail.h"
#include "runtime/virtual_input_file.h"
#include "tensors/synthetic.h"

namespace contentvec::hubert {
namespace {

using checkpoint::Checkpoint;
using nlohmann::json;

Checkpoint open_checkpoint(const std::string& spec, const HubOptions& hub,
                           std::vector<std::string>& warnings) {
  if (spec.starts_with(tensors::kSyntheticPrefix)) return synthetic_checkpoint(spec);
  ResolvedModel found = resolve(spec, hub);
  warnings = std::move(found.warnings);
  return checkpoint::open(found.path);
}

struct SettledConfig {
  ModelConfig config;
  std::string source;
};

/// Where a configuration or a part of it was read from.
constexpr const char* kFromTensors = "names and shapes of the tensors";
constexpr const char* kConfigJson = "config.json";
constexpr const char* kUsualNormalize = "the usual for its frontend, as nothing says";

/// fairseq's configuration, at the top of the file or beside the tensors; s3prl keeps its two halves. Null
/// where there is none.
json fairseq_config(const Checkpoint& file) {
  for (const char* key : {"cfg", "args", "model_cfg", "task_cfg"}) {
    const auto unread = file.unread_entries.find(key);
    if (unread != file.unread_entries.end())
      fail("{}: its {} is no configuration: {}; give one with --config", file.source, key, unread->second);
  }
  for (const json* entries : {&file.entries, &file.entries_beside}) {
    if (!entries->is_object()) continue;
    for (const char* key : {"cfg", "args"}) {
      if (const json config = entries->value(key, json()); !config.is_null()) return config;
    }
    if (entries->contains("model_cfg"))
      return {{"model", entries->at("model_cfg")}, {"task", entries->value("task_cfg", json())}};
  }
  return nullptr;
}

/// The first of: the caller's, our own metadata, fairseq's cfg or args, config.json, the tensors themselves.
SettledConfig settle_config(const Checkpoint& file, Layout layout, const FoundTensors& found,
                            const std::optional<ModelConfig>& given) {
  if (given) {
    given->validate();
    return {*given, "given by the caller"};
  }
  if (const auto own = file.metadata.find("contentvec.config"); own != file.metadata.end()) {
    return {ModelConfig::from_json(own->second, file.source + ", metadata contentvec.config"),
            "metadata contentvec.config"};
  }
  ModelConfig config;
  if (config_from_fairseq(fairseq_config(file), file.source + ", its cfg", config))
    return {config, "cfg in the checkpoint"};
  // A config.json without hidden_size belongs to some other program that keeps its models in the same folder.
  if (file.hf_config.is_object() && file.hf_config.contains("hidden_size")) {
    return {config_from_json(file.hf_config, file.source + ", its config.json"), kConfigJson};
  }
  if (layout == Layout::kSoftVc) return {ModelConfig(), kFromTensors};  // its program knows this one only
  return {infer_config(found, file.source), kFromTensors};
}

/// What the settings of a Hugging Face feature extractor say of do_normalize, where they are an audio
/// model's: an image model's mean pixels by that word.
std::optional<bool> audio_normalize(const json& settings) {
  if (!settings.is_object() || !settings.contains("do_normalize") || !settings["do_normalize"].is_boolean())
    return std::nullopt;
  for (const char* of_images : {"image_processor_type", "image_mean", "image_std", "do_resize", "do_rescale",
                                "do_center_crop", "crop_size"})
    if (settings.contains(of_images)) return std::nullopt;
  const bool of_audio = !settings.contains("feature_extractor_type") ||
                        settings["feature_extractor_type"] == "Wav2Vec2FeatureExtractor" ||
                        settings.contains("sampling_rate");
  return of_audio ? std::optional(settings["do_normalize"].get<bool>()) : std::nullopt;
}

/// The same of a whole file, which may have them one level down.
std::optional<bool> normalize_in(const json& file) {
  if (!file.is_object()) return std::nullopt;
  for (const char* part : {"feature_extractor", "audio_processor"}) {
    const auto inner = file.find(part);
    if (inner == file.end()) continue;
    if (const std::optional<bool> found = audio_normalize(*inner)) return found;
  }
  return audio_normalize(file);
}

/// config.normalize, from the first that says it; returns where that was.
std::string settle_normalize(const Checkpoint& file, SettledConfig& settled) {
  if (settled.config.normalize) return settled.source;
  if ((settled.config.normalize = normalize_in(file.hf_preprocessor))) return "preprocessor_config.json";
  if ((settled.config.normalize = normalize_in(file.hf_processor))) return "processor_config.json";
  ModelConfig of_fairseq;
  if (config_from_fairseq(fairseq_config(file), file.source, of_fairseq) && of_fairseq.normalize) {
    settled.config.normalize = of_fairseq.normalize;
    return "cfg in the checkpoint";
  }
  settled.config.normalize = settled.config.extractor_mode == ExtractorMode::kLayerNorm;
  return kUsualNormalize;
}

/// Whether config.json is of the class that ContentVec has on the hub, whose programs (so-vits-svc, Applio)
/// take waveforms as they are.
bool is_hub_contentvec(const Checkpoint& file) {
  const json architectures =
      file.hf_config.is_object() ? file.hf_config.value("architectures", json()) : json();
  return std::find(architectures.begin(), architectures.end(), "HubertModelWithFinalProj") !=
         architectures.end();
}

/// Base models of one shape differ in it, and which one this is its tensors do not show. All of torchaudio's
/// and soft-VC's take waveforms as they are, and so does mlx-contentvec.
bool normalize_is_guessed(const Checkpoint& file, Layout layout, const SettledConfig& settled,
                          const std::string& normalize_source) {
  return normalize_source == kUsualNormalize && settled.config.extractor_mode != ExtractorMode::kLayerNorm &&
         (settled.source == kFromTensors || settled.source == kConfigJson) &&
         (layout == Layout::kFairseq || layout == Layout::kHf) && !is_hub_contentvec(file);
}

/// A tensor that a file in this layout lacks, named and shaped as it would be there.
std::string missing(Layout layout, const ModelConfig& config, tensors::TensorSpec spec) {
  const std::string name = name_in_layout(layout, spec.name, config.conv_pos_batch_norm);
  if (name.find(".in_proj_") != std::string::npos) spec.shape.front() *= 3;
  return fmt::format("{} {} is missing", name, checkpoint::shape_text(spec.shape));
}

void check_tensors(const Checkpoint& file, Layout layout, const FoundTensors& found,
                   const SettledConfig& settled, const TensorForms& forms) {
  const std::vector<std::string> wrong = tensors::compare_with_table(
      found.tensors, tensor_table(settled.config, forms),
      [&](const tensors::TensorSpec& spec) { return missing(layout, settled.config, spec); });
  if (wrong.empty()) return;
  fail(
      "{}: recognised as a model in {} layout, but its tensors do not fit the architecture ({}):{}\nCheck "
      "that the file is complete and the configuration is this model's",
      file.source, layout_name(layout), settled.source, tensors::some_of(wrong));
}

/// What the model is, where the file tells. fairseq's "hubert" does not: RVC's ContentVec file says so too.
std::string kind_of(const Checkpoint& file, const RecognisedLayout& layout, const ModelConfig& config) {
  if (file.container == "synthetic") return "synthetic weights, no trained model";
  const auto text = [](const json& object, const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_string()
               ? object[key].get<std::string>()
               : "";
  };
  const json fairseq = fairseq_config(file);
  const json fairseq_model = fairseq.is_object() ? fairseq.value("model", json()) : json();
  const std::string name = text(fairseq_model, "_name");
  if (config.speaker_conditioned() || name == "contentvec" || layout.layout == Layout::kMlx)
    return "ContentVec";
  if (text(file.hf_config, "model_type") == "wav2vec2" ||
      layout.prefix.find("wav2vec2.") != std::string::npos || name.starts_with("wav2vec")) {
    return "wav2vec 2.0";
  }
  return "not told by the file (HuBERT and ContentVec look alike)";
}

/// Of a checkpoint that was opened; `info` has the warnings of that.
ModelFile settle(Checkpoint file, ModelInfo info, const std::optional<ModelConfig>& given) {
  strip_wrappers(file);
  const RecognisedLayout layout = recognise_layout(file);
  FoundTensors found = find_tensors(file, layout);
  SettledConfig settled = settle_config(file, layout.layout, found, given);
  const std::string normalize_source = settle_normalize(file, settled);
  // The file itself decides what is optional: final_proj (fairseq's cfg may name a width that the head,
  // shared by several label sets, does not have), a BatchNorm that its configuration may be too old to know
  // of and, in Hugging Face files, a projection between equal widths.
  const std::vector<int64_t> head = found.shape("final_proj.weight");
  settled.config.final_dim = head.size() == 2 ? static_cast<int>(std::min<int64_t>(head[0], 1 << 16)) : 0;
  if (found.has(kPosConvBatchNorm)) settled.config.conv_pos_batch_norm = true;
  const TensorForms forms = {.weight_norm = !found.has(pos_conv_name(settled.config) + ".weight"),
                             .projection = found.has("post_extract_proj.weight")};
  check_tensors(file, layout.layout, found, settled, forms);

  info.source = file.source;
  info.bytes = file.bytes;
  info.container = file.container;
  info.layout = layout_name(layout.layout);
  info.kind = kind_of(file, layout, settled.config);
  info.config = settled.config;
  info.config_source = settled.source;
  info.normalize_source = normalize_source;
  info.feature_projection = forms.projection;
  if (normalize_is_guessed(file, layout.layout, settled, normalize_source)) {
    info.warnings.push_back(
        "nothing says whether this model takes waveforms of zero mean and unit variance; they are left as "
        "they are, as HuBERT base and ContentVec take them: for another model settle it with --normalize on "
        "or off, or with preprocessor_config.json beside the weights");
  }
  if (!found.unknown.empty()) {
    info.warnings.push_back(fmt::format("{} tensors of unknown meaning are ignored:{}", found.unknown.size(),
                                        tensors::some_of(found.unknown)));
  }
  Weights weights(settled.config, forms, std::move(found.tensors));
  info.tensors = static_cast<int64_t>(weights.named().all().size());
  info.parameters = weights.named().parameters();
  return {std::move(info), std::move(weights)};
}

}  // namespace

ModelFile open_model_file(const std::string& spec, const std::optional<ModelConfig>& given,
                          const HubOptions& hub) {
  ModelInfo info;
  Checkpoint file = open_checkpoint(spec, hub, info.warnings);
  return settle(std::move(file), std::move(info), given);
}

ModelFile open_model_file(const VirtualFile& file, const std::optional<ModelConfig>& given) {
  return settle(checkpoint::open(std::make_shared<const VirtualInputFile>(file.name, file.size, file.read)),
                {}, given);
}

}  // namespace contentvec::hubert
