// contentvec._core: the C++ library for Python, one function for one function. What users call is in
// contentvec/*.py, which brings arrays of any kind to contiguous float32 and results back.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <tuple>
#include <utility>

#include "contentvec/contentvec.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace contentvec {
namespace {

using Vector = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Waveform = nb::ndarray<nb::numpy, float, nb::ndim<1>>;
/// [layers, frames, dim] as a memoryview, from which every kind of array can be made.
using Stages = nb::ndarray<nb::memview, float, nb::ndim<3>>;

std::span<const float> span_of(const Vector& array) {
  return {array.data(), array.size()};
}

/// An array that owns `data`.
template <typename Array>
Array owner_of(std::unique_ptr<float[]> data, std::initializer_list<size_t> shape) {
  const nb::capsule owner(data.get(), [](void* memory) noexcept { delete[] static_cast<float*>(memory); });
  return Array(data.release(), shape, owner);
}

/// Runs Python's signal handlers during a call that has let go of the interpreter, and throws what they raise
/// (KeyboardInterrupt on Ctrl-C). Twenty times a second at most, since it has to wait for the interpreter.
class SignalPoll {
 public:
  void operator()() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return;
    last_ = now;
    const nb::gil_scoped_acquire interpreter;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

constexpr std::pair<const char*, ExtractorMode> kExtractorModes[] = {
    {"default", ExtractorMode::kGroupNorm},
    {"group_norm_masked", ExtractorMode::kGroupNormMasked},
    {"layer_norm", ExtractorMode::kLayerNorm}};

Model load(const std::string& spec, const std::optional<ModelConfig>& config, int threads,
           const std::string& dtype, const std::string& device) {
  const LoadOptions options = {.config = config,
                               .threads = threads,
                               .dtype = dtype_from_name(dtype),
                               .device = device_from_name(device)};
  const nb::gil_scoped_release others_run;
  return Model::load(spec, options);
}

/// The stages of one utterance (at least one, all of one width) one after the other.
std::unique_ptr<float[]> join(const std::vector<Features>& stages) {
  const size_t size = stages.front().data.size();
  std::unique_ptr<float[]> joined(new float[stages.size() * size]);
  for (size_t i = 0; i < stages.size(); ++i)
    std::copy_n(stages[i].data.data(), size, joined.get() + i * size);
  return joined;
}

std::vector<Stages> extract(const Model& model, const std::vector<Vector>& waveforms,
                            const std::vector<int>& layers, bool proj, std::optional<bool> normalize,
                            const std::optional<Vector>& speaker_embedding) {
  std::vector<std::span<const float>> batch;
  std::transform(waveforms.begin(), waveforms.end(), std::back_inserter(batch), span_of);
  std::vector<Stage> stages;
  for (const int layer : layers) stages.push_back({.layer = layer, .final_proj = proj});
  ExtractOptions options;
  if (normalize) options.normalize = *normalize ? Normalize::kOn : Normalize::kOff;
  if (speaker_embedding) options.speaker_embedding = span_of(*speaker_embedding);
  options.poll = SignalPoll();

  std::vector<std::vector<Features>> features;
  {
    const nb::gil_scoped_release others_run;
    features = model.extract_batch_stages(batch, stages, options);
  }
  std::vector<Stages> arrays;
  for (std::vector<Features>& utterance : features) {
    arrays.push_back(
        owner_of<Stages>(join(utterance), {utterance.size(), static_cast<size_t>(utterance.front().frames),
                                           static_cast<size_t>(utterance.front().dim)}));
    utterance = {};
  }
  return arrays;
}

std::vector<std::tuple<std::string, bool, std::string>> list_devices() {
  std::vector<std::tuple<std::string, bool, std::string>> list;
  for (const DeviceInfo& device : devices())
    list.emplace_back(device.name, device.available, device.description);
  return list;
}

Waveform load_audio_array(const std::string& path) {
  std::unique_ptr<float[]> copy;
  size_t samples = 0;
  {
    const nb::gil_scoped_release others_run;
    const std::vector<float> waveform = load_audio(path);
    samples = waveform.size();
    copy.reset(new float[samples]);
    std::copy_n(waveform.data(), samples, copy.get());
  }
  return owner_of<Waveform>(std::move(copy), {samples});
}

void bind_config(nb::module_& m) {
  nb::class_<ModelConfig>(m, "ModelConfig", "The architecture of a model, in fairseq's terms. Immutable.")
      .def_static("from_json", &ModelConfig::from_json, "text"_a, "origin"_a = "configuration",
                  "Reads what to_json() writes, or a Hugging Face config.json. Absent keys keep HuBERT "
                  "base's values.\n\n"
                  "`origin` names the text in errors. Raises contentvec.Error.")
      .def("to_json", &ModelConfig::to_json, "Everything, as one line of JSON.")
      .def("frames", &ModelConfig::frames, "samples"_a,
           "Frames of a waveform of `samples` samples: (samples - receptive_field) // hop + 1, or 0.")
      .def_prop_ro("receptive_field", &ModelConfig::receptive_field,
                   "Samples one frame sees: 400 (25 ms) for base.")
      .def_prop_ro("hop", &ModelConfig::hop, "Samples between frames: 320 (20 ms) for base.")
      .def_prop_ro("layers", &ModelConfig::total_layers, "Transformer blocks; `layer` goes from 1 to this.")
      .def_prop_ro(
          "conv_layers",
          [](const ModelConfig& config) {
            std::vector<std::tuple<int, int, int>> layers;
            for (const ConvLayer& layer : config.conv_layers)
              layers.emplace_back(layer.dim, layer.kernel, layer.stride);
            return layers;
          },
          "(channels, kernel, stride) of each convolution of the frontend.")
      .def_prop_ro(
          "extractor_mode",
          [](const ModelConfig& config) {
            return std::find_if(std::begin(kExtractorModes), std::end(kExtractorModes),
                                [&](const auto& mode) { return mode.second == config.extractor_mode; })
                ->first;
          },
          "Normalisation of the frontend: \"default\", \"group_norm_masked\" or \"layer_norm\".")
      .def_ro("conv_bias", &ModelConfig::conv_bias)
      .def_ro("encoder_embed_dim", &ModelConfig::encoder_embed_dim, "Width of the features.")
      .def_ro("encoder_ffn_embed_dim", &ModelConfig::encoder_ffn_embed_dim)
      .def_ro("encoder_attention_heads", &ModelConfig::encoder_attention_heads)
      .def_ro("encoder_layers", &ModelConfig::encoder_layers, "Plain blocks.")
      .def_ro("encoder_layers_1", &ModelConfig::encoder_layers_1, "ContentVec's speaker-conditioned blocks.")
      .def_ro("speaker_dim", &ModelConfig::speaker_dim, "Width of the speaker embedding, where there is one.")
      .def_ro("conv_pos", &ModelConfig::conv_pos)
      .def_ro("conv_pos_groups", &ModelConfig::conv_pos_groups)
      .def_ro("layer_norm_first", &ModelConfig::layer_norm_first)
      .def_ro("final_dim", &ModelConfig::final_dim, "Width of final_proj's output; 0: the model has none.")
      .def_ro("feat_proj_layer_norm", &ModelConfig::feat_proj_layer_norm)
      .def_ro("layer_norm_eps", &ModelConfig::layer_norm_eps)
      .def_ro("normalize", &ModelConfig::normalize,
              "Whether the waveform is to have zero mean and unit variance.")
      .def("__repr__",
           [](const ModelConfig& config) { return "ModelConfig.from_json('" + config.to_json() + "')"; });
}

void bind_info(nb::module_& m) {
  nb::class_<ModelInfo>(m, "ModelInfo", "What a checkpoint is, for people.")
      .def_ro("source", &ModelInfo::source, "The path or spec it came from.")
      .def_ro("container", &ModelInfo::container,
              "\"safetensors\", \"torch zip\", \"torch legacy\" or \"synthetic\".")
      .def_ro("layout", &ModelInfo::layout, "Whose tensor names it uses: \"fairseq\", \"hf\" or \"mlx\".")
      .def_ro("kind", &ModelInfo::kind, "\"ContentVec\", \"HuBERT\", ... or \"not told by the file\".")
      .def_ro("config_source", &ModelInfo::config_source, "Where the architecture was read from.")
      .def_ro("parameters", &ModelInfo::parameters, "Numbers in the weights.")
      .def_ro("warnings", &ModelInfo::warnings, "Tensors that were not recognised, and the like.");
}

}  // namespace
}  // namespace contentvec

NB_MODULE(_core, m) {
  using namespace contentvec;
  m.doc() = "The native part of contentvec; use the package's own functions.";
  m.attr("version") = version();
  nb::exception<Error> error(m, "Error", PyExc_RuntimeError);
  error.attr("__doc__") =
      "Anything wrong with a file, an array or an option. Its text says what was expected, what was found "
      "and what to do.";
  bind_config(m);
  bind_info(m);

  nb::class_<Model>(m, "Model", "A loaded model. Immutable: any number of threads may use it at once.")
      .def_prop_ro("config", &Model::config, nb::rv_policy::copy)
      .def_prop_ro("info", &Model::info, nb::rv_policy::copy)
      .def("extract", &extract, "waveforms"_a, "layers"_a, "proj"_a = false, "normalize"_a = nb::none(),
           "speaker_embedding"_a = nb::none(),
           "A ragged batch of [samples] at 16 kHz; of each, the layers listed (at least one; 0: projected, "
           "-1: the\n"
           "model's output) as a view of float32 [layers, frames, dim]. Lets other Python threads run; "
           "Ctrl-C ends it.");
  m.def("load", &load, "spec"_a, "config"_a.none(), "threads"_a, "dtype"_a, "device"_a,
        "Opens a checkpoint. Lets other Python threads run.");
  m.def("devices", &list_devices, "(name, available, description) of everything `device` can be, here.");
  m.def("load_audio", &load_audio_array, "path"_a,
        "Decodes an audio file to 16 kHz mono float32 [samples]. Lets other Python threads run.");
}
