#include "f0/pitch_file.h"

#include <algorithm>

#include "checkpoint/checkpoint.h"
#include "checkpoint/json_text.h"
#include "checkpoint/model_kind.h"
#include "checkpoint/wheel.h"
#include "f0/fcpe.h"
#include "f0/rmvpe.h"
#include "f0/torchfcpe.h"
#include "hub/files.h"
#include "runtime/fail.h"
#include "runtime/virtual_input_file.h"
#include "tensors/weight_norm.h"

namespace contentvec::f0 {
namespace {

using checkpoint::Checkpoint;
using nlohmann::json;

constexpr std::string_view kExpected = "expected a pitch estimator's weights (RMVPE's rmvpe.pt, or FCPE's)";

constexpr int64_t kMostLayers = 64;

/// A size in a configuration. Synthetic weights are made when they are read: it is memory that these decide about.
int64_t size_in(const json& config, const char* key, int64_t otherwise, const std::string& source,
                int64_t most = 4096) {
  if (!config.contains(key)) return otherwise;
  if (!config[key].is_number_integer() || config[key].get<int64_t>() < 1 || config[key].get<int64_t>() > most)
    fail("{}: {} is {}; expected a whole number from 1 to {}", source, key, config[key].dump(), most);
  return config[key].get<int64_t>();
}

PitchFile synthetic_file(const std::string& spec) {
  const auto [path, seed] = tensors::parse_synthetic(spec);
  if (!path.ends_with(".json")) fail("{}: expected synthetic:CONFIG.json[:SEED] for a pitch estimator", spec);
  const json config = checkpoint::parse_json(checkpoint::read_json_text(path), path);
  const json kind = config.is_object() ? config.value("kind", json()) : json();
  PitchFile file = {PitchMethod::kRmvpe, spec, {}};
  std::vector<tensors::Synthetic> table;
  if (kind == "rmvpe") {
    RmvpeConfig c;
    c.channels = size_in(config, "en_out_channels", c.channels, path);
    c.blocks = size_in(config, "n_blocks", c.blocks, path, kMostLayers);
    c.layers = size_in(config, "en_de_layers", c.layers, path, 7);
    c.intermediate_layers = size_in(config, "inter_layers", c.intermediate_layers, path, kMostLayers);
    c.gru_hidden = size_in(config, "gru_hidden", c.gru_hidden, path);
    table = rmvpe_tensors(c);
  } else if (kind == "fcpe") {
    FcpeConfig c;
    c.hidden = size_in(config, "hidden_dims", c.hidden, path);
    c.layers = size_in(config, "n_layers", c.layers, path, kMostLayers);
    file.method = PitchMethod::kFcpe;
    table = fcpe_tensors(c);
  } else {
    fail("{}: its \"kind\" is {}; expected \"rmvpe\" or \"fcpe\"", path, kind.dump());
  }
  for (const tensors::Synthetic& tensor : table)
    file.tensors.add(tensor.tensor.name, tensor.as_tensor(spec, seed));
  constexpr int64_t kMostParameters = int64_t{1} << 28;
  if (file.tensors.parameters() > kMostParameters)
    fail("{}: an estimator of {} parameters; expected at most {}", path, file.tensors.parameters(),
         kMostParameters);
  return file;
}

bool has_with(const Checkpoint& file, std::string_view part) {
  return std::any_of(file.tensors.begin(), file.tensors.end(),
                     [&](const auto& tensor) { return tensor.first.find(part) != std::string::npos; });
}

PitchMethod method_of(const Checkpoint& file) {
  if (file.tensors.contains("unet.encoder.bn.weight")) return PitchMethod::kRmvpe;
  if (file.tensors.contains("input_stack.0.weight")) return PitchMethod::kFcpe;
  std::string found(checkpoint::describe_model(file));
  if (found.empty() && has_with(file, "feature_extractor.conv"))
    found = "a speech model (HuBERT, ContentVec or wav2vec 2.0)";
  if (found.empty()) found = fmt::format("{} tensors of something else", file.tensors.size());
  fail("{}: {}, found {}", file.source, kExpected, found);
}

/// torchfcpe's own settings, where the file has them: what is computed here is those of the released model.
void check_fcpe(const Checkpoint& file) {
  if (has_with(file, ".attn.") || has_with(file, "to_q"))
    fail(
        "{}: an FCPE with attention layers, which this library does not compute; give the released fcpe_c_v001.pt",
        file.source);
  const json config = file.entries.is_object() ? file.entries.value("config_dict", json()) : json();
  const json mel = config.is_object() ? config.value("mel", json()) : json();
  if (!mel.is_object()) return;
  const std::pair<const char*, int> settings[] = {{"sr", 16000},      {"num_mels", 128}, {"n_fft", 1024},
                                                  {"win_size", 1024}, {"hop_size", 160}, {"fmin", 0},
                                                  {"fmax", 8000}};
  for (const auto& [key, expected] : settings) {
    if (mel.contains(key) && mel[key] != expected)
      fail("{}: its {} is {}; this library computes FCPE with {}", file.source, key, mel[key].dump(),
           expected);
  }
}

/// `fcpe` is in no repository of the hub: it stands for an installed package, unless there is a file of that name.
std::filesystem::path path_of(const std::string& spec, const HubOptions& hub_options) {
  constexpr const char* kExpectedPitch =
      "an rmvpe.pt or fcpe.pt, safetensors of the same names, torchfcpe's wheel or folder, rmvpe, fcpe, a file of the "
      "hub (org/repo/file), or synthetic:CONFIG.json";
  std::error_code ignored;
  if (spec != pitch_method_name(PitchMethod::kFcpe) || std::filesystem::exists(spec, ignored))
    return hub::resolve_as(spec, hub_options, kExpectedPitch).path;
  if (auto installed = find_fcpe()) return *installed;
  fail("{}", kFcpeNotInstalled);
}

PitchFile pitch_file_of(const Checkpoint& opened) {
  PitchFile file = {method_of(opened), opened.source, {}};
  if (file.method == PitchMethod::kFcpe) check_fcpe(opened);
  for (const auto& [name, tensor] : opened.tensors) {
    std::string canonical = name;
    tensors::unify_weight_norm(canonical);
    file.tensors.add(canonical, tensor);
  }
  return file;
}

}  // namespace

PitchFile open_pitch_file(const std::string& spec, const HubOptions& hub) {
  if (spec.starts_with(tensors::kSyntheticPrefix)) return synthetic_file(spec);
  const std::filesystem::path path = path_of(spec, hub);
  const std::optional<Checkpoint> packaged = checkpoint::open_in_package(path, std::string(kFcpeInPackage));
  return pitch_file_of(packaged ? *packaged : checkpoint::open(path));
}

PitchFile open_pitch_file(const VirtualFile& file) {
  return pitch_file_of(
      checkpoint::open(std::make_shared<const VirtualInputFile>(file.name, file.size, file.read)));
}

void check_tensors(const PitchFile& file, const std::vector<tensors::Synthetic>& table) {
  std::vector<tensors::TensorSpec> specs;
  specs.reserve(table.size());
  tensors::NamedTensors needed;
  for (const tensors::Synthetic& entry : table) {
    specs.push_back(entry.tensor);
    // A file has more than inference needs: counts of batches, buffers.
    const auto found = file.tensors.all().find(entry.tensor.name);
    if (found != file.tensors.all().end()) needed.add(entry.tensor.name, found->second);
  }
  const std::vector<std::string> wrong =
      tensors::compare_with_table(needed, specs, [](const tensors::TensorSpec& spec) {
        return fmt::format("{} {} is missing", spec.name, checkpoint::shape_text(spec.shape));
      });
  if (wrong.empty()) return;
  fail("{}: recognised as {}, but its tensors do not fit it:{}\nCheck that the file is complete", file.source,
       file.method == PitchMethod::kRmvpe ? "RMVPE" : "FCPE", tensors::some_of(wrong));
}

}  // namespace contentvec::f0
