#include "synthesizer/voice_file.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "checkpoint/json_text.h"
#include "checkpoint/model_kind.h"
#include "checkpoint/packed_file.h"
#include "checkpoint/text.h"
#include "runtime/fail.h"
#include "runtime/lower_case.h"
#include "synthesizer/voice_config_json.h"
#include "synthesizer/voice_shapes.h"
#include "synthesizer/voice_statement.h"
#include "synthesizer/voice_tensors.h"
#include "tensors/axes.h"
#include "tensors/weight_norm.h"

namespace contentvec::synthesizer {
namespace {

using checkpoint::Checkpoint;
using checkpoint::Tensor;
using nlohmann::json;
using tensors::NamedTensors;
using tensors::TensorSpec;

constexpr const char* kPhone = "enc_p.emb_phone.weight";

bool has_with(const Checkpoint& file, std::string_view part) {
  return std::any_of(file.tensors.begin(), file.tensors.end(),
                     [&](const auto& tensor) { return tensor.first.find(part) != std::string::npos; });
}

/// What a file without a voice is.
std::string describe(const Checkpoint& file) {
  if (file.tensors.contains("emb_uv.weight") || file.tensors.contains("enc_p.f0_emb.weight"))
    return "a voice of so-vits-svc, which is another architecture";
  if (has_with(file, "enc_p.ssl_proj.")) return "a voice of GPT-SoVITS, which is another architecture";
  if (file.tensors.contains("enc_p.emb.weight")) return "a VITS voice for reading texts";
  const std::string_view kind = checkpoint::describe_model(file);
  if (kind.starts_with("an RVC voice"))
    return std::string(kind) + fmt::format(" without {}: it is incomplete", kPhone);
  if (!kind.empty()) return std::string(kind);
  if (has_with(file, "feature_extractor.conv"))
    return "a speech model (HuBERT, ContentVec or wav2vec 2.0), which goes to --model";
  return fmt::format("{} tensors of something else", file.tensors.size());
}

/// Whether convolutions are [out, kernel, in], as mlx-rvc keeps them. The first one's kernel tells: torch has it last.
bool is_in_mlx_order(const Checkpoint& file) {
  const auto first = file.tensors.find("dec.conv_pre.weight");
  if (first == file.tensors.end()) return false;
  const std::vector<int64_t>& shape = first->second.shape;
  return shape.size() == 3 && shape[1] == kGeneratorKernel && shape[2] != kGeneratorKernel;
}

/// What has three axes and is no convolution is the same in either order.
Tensor exchanged(const std::string& name, const Tensor& tensor) {
  const bool conv = tensor.shape.size() == 3 && (name.ends_with(".weight") || name.ends_with(".weight_v"));
  return conv ? tensors::permuted(tensor, std::array<size_t, 3>{0, 2, 1}) : tensor;
}

/// By RVC's names and in torch's order.
NamedTensors canonical_tensors(const Checkpoint& file) {
  const bool of_mlx = is_in_mlx_order(file);
  NamedTensors found;
  for (const auto& [name, tensor] : file.tensors) {
    std::string canonical = name;
    tensors::unify_weight_norm(canonical);
    if (const Tensor* twice = found.add(canonical, of_mlx ? exchanged(canonical, tensor) : tensor))
      fail("{}: tensors {} and {} are the same one", file.source, twice->name, name);
  }
  return found;
}

/// The table, where what has lost its weight norm in the file has none.
std::vector<TensorSpec> table_of(const VoiceConfig& config, const NamedTensors& found) {
  std::vector<TensorSpec> table;
  for (tensors::Synthetic& entry : voice_tensors(config)) {
    TensorSpec& spec = entry.tensor;
    const std::string layer = spec.name.substr(0, spec.name.rfind('.'));
    const std::string_view leaf = std::string_view(spec.name).substr(layer.size());
    const bool normed = leaf == ".weight_g" || leaf == ".weight_v";
    if (normed && found.has(layer + ".weight")) {
      if (leaf == ".weight_g") continue;
      spec.name = layer + ".weight";
    }
    table.push_back(std::move(spec));
  }
  return table;
}

bool has_place(std::string_view name) {
  constexpr std::array<std::string_view, 4> kParts = {"enc_p.", "dec.", "flow.", "emb_g."};
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](std::string_view part) { return name.starts_with(part); });
}

/// Leaves what inference needs, and throws Error where that is not what the configuration needs. A tensor of the
/// model's that has no place in it is an error too: to ignore a bias would compute something else. enc_q, the posterior
/// encoder, is for training.
void keep_needed(VoiceFile& file) {
  const std::vector<TensorSpec> table = table_of(file.config, file.tensors);
  std::vector<std::string> unknown;
  for (auto it = file.tensors.all().begin(); it != file.tensors.all().end();) {
    const std::string& name = (it++)->first;
    if (has_place(name)) continue;
    if (!name.starts_with("enc_q.")) unknown.push_back(name);
    file.tensors.erase(std::string(name));
  }
  const std::vector<std::string> wrong =
      tensors::compare_with_table(file.tensors, table, [](const TensorSpec& spec) {
        return fmt::format("{} {} is missing", spec.name, checkpoint::shape_text(spec.shape));
      });
  if (!wrong.empty()) {
    fail("{}: recognised as an RVC voice, but its tensors do not fit:{}\nCheck that the file is complete",
         file.info.source, tensors::some_of(wrong));
  }
  if (!unknown.empty()) {
    file.info.warnings.push_back(fmt::format("{} tensors of unknown meaning are ignored:{}", unknown.size(),
                                             tensors::some_of(unknown)));
  }
}

/// Where the file says one thing and its tensors another.
void warn_of_differences(const VoiceConfig& stated, VoiceFile& file) {
  const json says = to_json(stated);
  const json is = to_json(file.config);
  for (const auto& [key, value] : is.items()) {
    if (key == "spk_embed_dim" || says[key] == value) continue;  // RVC writes 109 whatever there are
    file.info.warnings.push_back(fmt::format("it says that its {} is {}, but its tensors are of {}", key,
                                             says[key].dump(), value.dump()));
  }
}

/// As RVC names its pretrained generators: f0G40k.pth, G48k.pth.
std::optional<int> rate_in_name(const std::string& source) {
  const std::string name = std::filesystem::path(source).filename().string();
  for (const auto& [text, rate] :
       {std::pair("G32k", 32000), std::pair("G40k", 40000), std::pair("G48k", 48000)})
    if (name.find(text) != std::string::npos) return rate;
  return std::nullopt;
}

/// As RVC's trainer says it in the experiment's folder, beside its checkpoints.
std::optional<int> rate_beside(const std::string& source) {
  const auto path = std::filesystem::path(source).parent_path() / "config.json";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  const json config = checkpoint::parse_json(checkpoint::read_json_text(path), path.string());
  const json data = config.is_object() ? config.value("data", json()) : json();
  if (!data.is_object() || !data.contains("sampling_rate")) return std::nullopt;
  return sample_rate_from_json(data["sampling_rate"], path.string());
}

/// Of a training checkpoint, which does not say it itself.
std::optional<int> rate_of_training(const std::string& source, const std::optional<int>& given) {
  if (given) return given;
  if (const std::optional<int> named = rate_in_name(source)) return named;
  return rate_beside(source);
}

void check_rate(const VoiceConfig& config, const std::optional<int>& asked, const std::string& source) {
  if (asked && config.sample_rate != *asked)
    fail("{}: it is a voice of {} Hz, but {} Hz are asked for; leave that out", source, config.sample_rate,
         *asked);
}

void describe_config(VoiceFile& file) {
  const VoiceConfig& c = file.config;
  VoiceInfo& info = file.info;
  info.version = c.version;
  info.sample_rate = c.sample_rate;
  info.pitch = c.f0;
  info.feature_dim = c.phone_channels;
  info.stage = c.stage();
  info.speakers = c.speakers;
  info.samples_per_frame = c.samples_per_frame();
  info.parameters = file.tensors.parameters();
  if (lower_case(c.embedder) != VoiceConfig().embedder) {
    info.warnings.push_back(fmt::format(
        "it was trained on the features of {}: with ContentVec's it will not sound right; give that model as --model",
        checkpoint::quote(c.embedder)));
  }
}

VoiceFile synthetic_voice(const std::string& spec, const VoiceLoadOptions& options) {
  constexpr int64_t kMostParameters = int64_t{1}
                                      << 28;  // made when they are read: it is memory that these decide about
  const auto [path, seed] = tensors::parse_synthetic(spec);
  if (!path.ends_with(".json")) fail("{}: expected synthetic:CONFIG.json[:SEED] for a voice", spec);
  const json object = checkpoint::parse_json(checkpoint::read_json_text(path), path);
  if (!object.is_object() || object.value("kind", json()) != "rvc")
    fail("{}: expected a voice's configuration, whose \"kind\" is \"rvc\"", path);
  VoiceFile file;
  file.config = voice_config_from_json(object, path);
  file.config.validate(path);
  check_rate(file.config, options.sample_rate, spec);
  for (const tensors::Synthetic& entry : voice_tensors(file.config))
    file.tensors.add(entry.tensor.name, entry.as_tensor(spec, seed));
  if (file.tensors.parameters() > kMostParameters)
    fail("{}: a voice of {} parameters; expected at most {}", path, file.tensors.parameters(),
         kMostParameters);
  file.info.source = spec;
  describe_config(file);
  return file;
}

VoiceFile voice_in(const Checkpoint& opened, const VoiceLoadOptions& options) {
  const VoiceStatement statement = read_statement(opened);
  if (!opened.tensors.contains(kPhone))
    fail("{}: expected a voice (RVC's .pth), found {}", opened.source, describe(opened));
  VoiceFile file;
  file.info.source = opened.source;
  file.info.notes = statement.notes;
  file.tensors = canonical_tensors(opened);
  const std::optional<int> rate =
      statement.config ? std::nullopt : rate_of_training(opened.source, options.sample_rate);
  file.config = config_of_tensors(file.tensors, statement.config, rate, opened.source);
  file.config.validate(statement.config
                           ? opened.source
                           : fmt::format("{}, taken to be of {} Hz", opened.source, rate.value_or(0)));
  check_rate(file.config, options.sample_rate, opened.source);
  if (statement.config) warn_of_differences(*statement.config, file);
  keep_needed(file);
  describe_config(file);
  return file;
}

}  // namespace

VoiceFile open_voice_file(const std::string& spec, const VoiceLoadOptions& options) {
  if (spec.starts_with(tensors::kSyntheticPrefix)) return synthetic_voice(spec, options);
  const VoiceSource found = find_voice(spec, options.hub);
  VoiceFile file = voice_in(checkpoint::open(checkpoint::open_input_file(found.voice)), options);
  file.info.warnings.insert(file.info.warnings.begin(), found.warnings.begin(), found.warnings.end());
  return file;
}

bool holds_voice(const std::string& spec) {
  if (spec.starts_with(tensors::kSyntheticPrefix)) return !synthetic_voice(spec, {}).info.source.empty();
  std::error_code ignored;
  if (!std::filesystem::exists(spec, ignored) && !checkpoint::is_packed(spec)) return false;
  const Checkpoint file = checkpoint::open(checkpoint::open_input_file(find_voice(spec).voice));
  return file.tensors.contains(kPhone) || checkpoint::describe_model(file).starts_with("an RVC voice");
}

}  // namespace contentvec::synthesizer

namespace contentvec {

bool is_voice(const std::string& spec) {
  try {
    return synthesizer::holds_voice(spec);
  } catch (const Error&) {
    return false;
  }
}

VoiceInfo inspect_voice(const std::string& spec, const VoiceLoadOptions& options) {
  return synthesizer::open_voice_file(spec, options).info;
}

}  // namespace contentvec
