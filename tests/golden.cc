#include "golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/json_text.h"
#include "hubert/synthetic.h"
#include "hubert/weights.h"
#include "output/safetensors.h"
#include "support.h"

namespace contentvec::test {

namespace {

double standard_deviation(const std::vector<float>& values) {
  double mean = 0;
  for (const float x : values) mean += static_cast<double>(x);
  mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const float x : values) squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double tolerance_of(const std::vector<float>& reference, double float32_error) {
  return std::max(2e-5 * std::max(1.0, standard_deviation(reference)), 2 * float32_error);
}

}  // namespace

double Golden::tolerance(const std::string& stage) const {
  return tolerance_of(stages.at(stage).values, float32_max_abs_error.at(stage));
}

Stage Golden::stage_of(const std::string& stage, const ModelConfig& model) const {
  if (stage == "projected") return {.layer = kProjected};
  if (stage == "final_proj") return {.layer = std::min(9, model.total_layers()), .final_proj = true};
  if (stage == "features") return {.layer = kModelOutput};
  return {.layer = std::stoi(stage.substr(stage.find('_') + 1))};
}

std::string synthetic(const std::string& config) {
  return "synthetic:" + (oracle() / "configs" / (config + ".json")).string();
}

std::string test_name(std::string text) {
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return text;
}

std::string Golden::spec() const {
  return synthetic(config);
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(oracle() / "golden")) {
    const std::string name = entry.path().stem().string();
    if (!name.ends_with(".batch")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, Reference> read_tensors(const std::filesystem::path& path) {
  std::map<std::string, Reference> references;
  for (const auto& [name, tensor] : checkpoint::open(path).tensors) {
    if (!checkpoint::is_floating(tensor.type)) continue;
    Reference& reference = references[name];
    reference.shape = tensor.shape;
    reference.values = read(tensor);
  }
  return references;
}

std::vector<int64_t> read_integers(const std::filesystem::path& path, const std::string& name) {
  const checkpoint::Checkpoint file = checkpoint::open(path);
  const checkpoint::Tensor& tensor = file.tensors.at(name);
  const std::shared_ptr<const std::byte[]> bytes = tensor.storage->read();
  std::vector<int64_t> values(static_cast<size_t>(tensor.count()));
  std::memcpy(values.data(), bytes.get() + static_cast<size_t>(tensor.offset) * sizeof(int64_t),
              values.size() * sizeof(int64_t));
  return values;
}

void write_tensors(const std::filesystem::path& path, const std::map<std::string, Reference>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  std::vector<output::NamedTensor> named;
  for (const auto& [name, tensor] : tensors) {
    named.push_back(
        {name, "F32", tensor.shape, [&tensor = tensor] { return output::bytes_of(tensor.values); }});
  }
  output::write_safetensors(path, named, metadata);
}

std::map<std::string, Reference> synthetic_tensors(const ModelConfig& config) {
  std::map<std::string, Reference> tensors;
  const hubert::TensorForms forms = {.weight_norm = !config.conv_pos_batch_norm, .projection = false};
  for (const tensors::TensorSpec& spec : hubert::tensor_table(config, forms)) {
    size_t count = 1;
    for (const int64_t size : spec.shape) count *= static_cast<size_t>(size);
    Reference& tensor = tensors[spec.name];
    tensor = {spec.shape, std::vector<float>(count)};
    hubert::fill_synthetic(spec.name, spec.shape, 0, tensor.values);
  }
  return tensors;
}

std::filesystem::path golden_path(const std::string& name) {
  return oracle() / "golden" / (name + ".safetensors");
}

Golden read_golden(const std::string& name) {
  Golden golden;
  golden.name = name;
  golden.config = name.substr(0, name.find('.'));
  const std::filesystem::path path = golden_path(name);
  golden.stages = read_tensors(path);
  golden.waveform = golden.stages.at("waveform").values;
  golden.stages.erase("waveform");
  if (const auto speaker = golden.stages.find("speaker_embedding"); speaker != golden.stages.end()) {
    golden.speaker_embedding = speaker->second.values;
    golden.stages.erase(speaker);
  }
  const std::string errors = checkpoint::open(path).metadata.at("float32_max_abs_error");
  golden.float32_max_abs_error = checkpoint::parse_json(errors).get<std::map<std::string, double>>();
  return golden;
}

RvcGolden read_rvc_golden(const std::string& name) {
  const std::filesystem::path path = oracle_rvc() / "golden" / (name + ".safetensors");
  RvcGolden golden;
  golden.arrays = read_tensors(path);
  golden.metadata = checkpoint::open(path).metadata;
  if (const auto found = golden.metadata.find("float32_max_abs_error"); found != golden.metadata.end())
    golden.float32_max_abs_error = checkpoint::parse_json(found->second).get<std::map<std::string, double>>();
  return golden;
}

double RvcGolden::tolerance(const std::string& array) const {
  return tolerance_of(arrays.at(array).values, float32_max_abs_error.at(array));
}

std::vector<std::string> rvc_golden_names(const std::string& begin) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(oracle_rvc() / "golden")) {
    const std::string name = entry.path().stem().string();
    if (name.starts_with(begin)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

ExtractOptions golden_options(const Golden& golden) {
  return {.normalize = Normalize::kOff, .speaker_embedding = golden.speaker_embedding};
}

std::map<std::string, Features> extract_all(const Model& model, const Golden& golden) {
  std::vector<Stage> stages;
  for (const auto& [name, reference] : golden.stages) stages.push_back(golden.stage_of(name, model.config()));
  const std::vector<Features> results = model.extract_stages(golden.waveform, stages, golden_options(golden));
  std::map<std::string, Features> by_name;
  size_t i = 0;
  for (const auto& [name, reference] : golden.stages) by_name[name] = results[i++];
  return by_name;
}

void expect_golden(const Model& model, const Golden& golden) {
  for (const auto& [name, features] : extract_all(model, golden)) {
    const Reference& reference = golden.stages.at(name);
    ASSERT_EQ(reference.shape, (std::vector<int64_t>{1, features.frames, features.dim}))
        << golden.name << " " << name;
    EXPECT_LE(max_abs_error(features.data, reference.values), golden.tolerance(name))
        << golden.name << " " << name << "; the reference's own float32 error is "
        << golden.float32_max_abs_error.at(name);
  }
}

double max_abs_error(const std::vector<float>& values, const std::vector<float>& reference) {
  if (values.size() != reference.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(values[i]) - static_cast<double>(reference[i])));
  }
  return worst;
}

Cosines frame_cosines(const Features& features, const std::vector<float>& reference) {
  if (features.data.size() != reference.size() || features.frames == 0) return {-1.0, -1.0};
  Cosines cosines;
  for (int64_t frame = 0; frame < features.frames; ++frame) {
    const std::span<const float> a = features.row(frame);
    const float* b = reference.data() + frame * features.dim;
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      ab += static_cast<double>(a[i]) * static_cast<double>(b[i]);
      aa += static_cast<double>(a[i]) * static_cast<double>(a[i]);
      bb += static_cast<double>(b[i]) * static_cast<double>(b[i]);
    }
    const double cosine = ab / std::sqrt(aa * bb);
    cosines.lowest = std::min(cosines.lowest, cosine);
    cosines.mean += cosine / static_cast<double>(features.frames);
  }
  return cosines;
}

}  // namespace contentvec::test
