// One checkpoint to another: the weights inference needs, under another layout's names, with their
// configuration.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <span>
#include <utility>

#include "contentvec/model.h"
#include "hubert/config_json.h"
#include "hubert/layout.h"
#include "hubert/model_file.h"
#include "output/atomic_file.h"
#include "output/safetensors.h"
#include "runtime/fail.h"
#include "tensors/axes.h"
#include "tensors/weight_norm.h"

namespace contentvec {
namespace {

using hubert::Weights;
using Values = std::vector<float>;

/// Values of a canonical tensor; a positional convolution without weight norm is given one, or one with it
/// has it multiplied out, as the layouts' own programs expect it.
Values values_of(const Weights& weights, const std::string& name) {
  const std::string pos_conv = hubert::pos_conv_name(weights.config()) + ".weight";
  if (name == pos_conv) return weights.read_pos_conv();
  if (weights.forms().weight_norm || !name.starts_with(pos_conv)) return weights.read(name);
  Values weight = weights.read(pos_conv);
  if (!name.ends_with("_g")) return weight;
  const std::vector<double> norms =
      tensors::norms_along(weight, weights.named().shape(pos_conv), hubert::kPosConvNormAxis);
  return {norms.begin(), norms.end()};
}

void check_options(const ExportOptions& options) {
  if (options.layout == Layout::kTorchaudio || options.layout == Layout::kSoftVc) {
    fail("export writes the names of fairseq, hf or mlx; those of {} were asked for",
         layout_name(options.layout));
  }
  if (options.dtype != DType::kF32 && options.dtype != DType::kF16) {
    fail("export writes float32 or float16, {} was asked for",
         options.dtype == DType::kBF16 ? "bfloat16" : "TF32");
  }
}

/// What the layout's own program cannot load.
void check_expressible(const ModelConfig& config, const Weights& weights, Layout layout) {
  if (layout == Layout::kMlx && config.conv_pos_batch_norm) {
    fail(
        "mlx-contentvec's model has no BatchNorm before its positional convolution, this model has one; "
        "export with --layout fairseq or hf");
  }
  if (layout != Layout::kHf) return;
  if (config.speaker_conditioned()) {
    fail(
        "Hugging Face's HubertModel has no speaker-conditioned layers, this model has {}; export with "
        "--layout fairseq or mlx",
        config.encoder_layers_1);
  }
  if (!weights.has("post_extract_proj.weight")) {
    fail(
        "Hugging Face's HubertModel always projects its features, this model has no projection (its "
        "convolutions are as wide as its blocks); export with --layout fairseq or mlx");
  }
}

output::NamedTensor named_tensor(const Weights& weights, const tensors::TensorSpec& spec,
                                 const ExportOptions& options) {
  const Layout layout = options.layout;
  const bool half = options.dtype == DType::kF16;
  const bool transpose = layout == Layout::kMlx && spec.shape.size() == 3;
  std::vector<int64_t> shape = spec.shape;
  if (transpose) std::swap(shape[1], shape[2]);
  return {hubert::name_in_layout(layout, spec.name, weights.config().conv_pos_batch_norm),
          half ? "F16" : "F32", shape, [=, &weights] {
            Values values = values_of(weights, spec.name);
            if (transpose)
              values = tensors::swap_last_axes(values, spec.shape[0], spec.shape[1], spec.shape[2]);
            return half ? output::half_bytes_of(values, spec.name) : output::bytes_of(values);
          }};
}

/// A count of training's steps, which changes nothing; but it is among the tensors of the layouts' own
/// models, and torch's loading misses one that is not there.
output::NamedTensor batches_tracked(Layout layout) {
  return {hubert::name_in_layout(layout, "encoder.pos_conv.0.num_batches_tracked", true), "I64", {}, [] {
            return std::vector<std::byte>(sizeof(int64_t));
          }};
}

/// Every tensor an exported file holds, in the order of the forward pass.
std::vector<output::NamedTensor> tensors_of(const Weights& weights, const ExportOptions& options) {
  // fairseq and transformers know a BatchNorm or a weight norm, not both.
  const hubert::TensorForms forms = {.weight_norm = !weights.config().conv_pos_batch_norm,
                                     .projection = weights.has("post_extract_proj.weight")};
  std::vector<output::NamedTensor> tensors;
  for (const tensors::TensorSpec& tensor : hubert::tensor_table(weights.config(), forms)) {
    // mlx-contentvec's model has no final_proj and refuses a file with one.
    const bool left_out = options.layout == Layout::kMlx && tensor.name.starts_with("final_proj.");
    if (!left_out) tensors.push_back(named_tensor(weights, tensor, options));
  }
  return tensors;
}

int64_t elements(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

std::string preprocessor_json(bool normalize) {
  return fmt::format(
      "{{\n  \"do_normalize\": {},\n  \"feature_extractor_type\": \"Wav2Vec2FeatureExtractor\",\n  "
      "\"feature_size\": 1,\n"
      "  \"padding_side\": \"right\",\n  \"padding_value\": 0,\n  \"return_attention_mask\": {},\n"
      "  \"sampling_rate\": 16000\n}}\n",
      normalize, normalize);
}

/// A small file beside the output. One that is there already and says something else is somebody's: it stays.
struct SideFile {
  std::filesystem::path path;
  std::string text;

  [[nodiscard]] bool exists_already() const {
    std::ifstream in(path, std::ios::binary);
    if (!in) return false;
    const std::string old((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (old == text) return true;
    fail("{} is there already and belongs to another model; write to an empty folder, or remove it",
         path.string());
  }
  void write() const {
    output::AtomicFile file(path);
    file.write(std::as_bytes(std::span(text)));
    file.commit();
  }
};

}  // namespace

ModelInfo export_model(const std::string& spec, const std::filesystem::path& out,
                       const ExportOptions& options) {
  check_options(options);
  hubert::ModelFile file = hubert::open_model_file(spec, options.config, options.hub);
  const Weights& weights = file.weights;
  const ModelConfig& config = file.info.config;
  const Layout layout = options.layout;
  check_expressible(config, weights, layout);

  std::vector<SideFile> beside;
  if (layout == Layout::kHf) {
    beside.push_back({out.parent_path() / "config.json", hubert::config_to_hf_json(config)});
    beside.push_back({out.parent_path() / "preprocessor_config.json",
                      preprocessor_json(normalises(config, Normalize::kAuto))});
    std::erase_if(beside, [](const SideFile& side) { return side.exists_already(); });
  }

  std::vector<output::NamedTensor> tensors = tensors_of(weights, options);
  int64_t parameters = 0;
  for (const output::NamedTensor& tensor : tensors) parameters += elements(tensor.shape);
  if (config.conv_pos_batch_norm) tensors.insert(tensors.begin(), batches_tracked(layout));
  // "format" is what transformers asks of a safetensors file.
  output::write_safetensors(out, tensors, {{"format", "pt"}, {"contentvec.config", config.to_json()}});
  for (const SideFile& side : beside) side.write();

  if (layout == Layout::kMlx && config.final_dim > 0) {
    file.info.warnings.push_back("final_proj is left out: mlx-contentvec's model has none");
  }
  file.info.tensors = static_cast<int64_t>(tensors.size());
  file.info.parameters = parameters;
  return file.info;
}

std::vector<WeightTensor> read_weights(const std::string& spec, const std::string& prefix,
                                       const ExportOptions& options) {
  ExportOptions as_float = options;
  as_float.dtype = DType::kF32;
  check_options(as_float);
  const hubert::ModelFile file = hubert::open_model_file(spec, options.config, options.hub);
  check_expressible(file.info.config, file.weights, options.layout);
  std::vector<WeightTensor> read;
  for (const output::NamedTensor& tensor : tensors_of(file.weights, as_float)) {
    if (!tensor.name.starts_with(prefix)) continue;
    std::vector<float> values(static_cast<size_t>(elements(tensor.shape)));
    std::ranges::copy(tensor.bytes(), std::as_writable_bytes(std::span(values)).begin());
    read.push_back({tensor.name, tensor.shape, std::move(values)});
  }
  return read;
}

}  // namespace contentvec
