// contentvec._core: the C++ library for Python, one function for one function. What users call is in
// contentvec/*.py, which brings arrays of any kind to contiguous float32 and results back.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "contentvec/contentvec.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace contentvec {
namespace {

using Vector = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Waveform = nb::ndarray<nb::numpy, float, nb::ndim<1>>;
/// [layers, frames, dim] as a memoryview, from which every kind of array can be made.
using Stages = nb::ndarray<nb::memview, float, nb::ndim<3>>;
using Frames = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

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

using Progress = std::function<void(const DownloadProgress&)>;

/// What runs during a download: Python's signal handlers, and the caller's `progress` (may be empty) where
/// there is news: another file, the end of one, or the tenth of a second that has passed. Each asks for the
/// interpreter.
class DownloadPoll {
 public:
  explicit DownloadPoll(Progress progress) : progress_(std::move(progress)) {}

  void operator()(const DownloadProgress& now) {
    signals_();
    if (!progress_ || !is_news(now)) return;
    told_ = now;
    last_ = std::chrono::steady_clock::now();
    progress_(now);
  }

 private:
  [[nodiscard]] bool is_news(const DownloadProgress& now) const {
    return now.file != told_.file || now.waiting != told_.waiting || now.total != told_.total ||
           now.done == now.total ||
           std::chrono::steady_clock::now() - last_ >= std::chrono::milliseconds(100);
  }

  SignalPoll signals_;
  Progress progress_;
  DownloadProgress told_;
  std::chrono::steady_clock::time_point last_;
};

HubOptions hub_options(const std::optional<std::string>& revision,
                       const std::optional<std::string>& cache_dir, const std::optional<std::string>& token,
                       bool local_files_only, Progress progress) {
  return {.revision = revision.value_or(""),
          .cache_dir = cache_dir.value_or(""),
          .token = token,
          .local_files_only = local_files_only,
          .progress = DownloadPoll(std::move(progress))};
}

constexpr std::pair<const char*, ExtractorMode> kExtractorModes[] = {
    {"default", ExtractorMode::kGroupNorm},
    {"group_norm_masked", ExtractorMode::kGroupNormMasked},
    {"layer_norm", ExtractorMode::kLayerNorm}};

LoadOptions load_options(const std::optional<ModelConfig>& config, int threads, const std::string& dtype,
                         const std::string& device, const HubOptions& hub) {
  return {.config = config,
          .threads = threads,
          .dtype = dtype_from_name(dtype),
          .device = device_from_name(device),
          .hub = hub};
}

Model load(const std::string& spec, const std::optional<ModelConfig>& config, int threads,
           const std::string& dtype, const std::string& device, const HubOptions& hub) {
  const LoadOptions options = load_options(config, threads, dtype, device, hub);
  const nb::gil_scoped_release others_run;
  return Model::load(spec, options);
}

Model from_pretrained(const std::string& repo, const std::string& file, int threads, const std::string& dtype,
                      const std::string& device, const HubOptions& hub) {
  const LoadOptions options = load_options(std::nullopt, threads, dtype, device, hub);
  const nb::gil_scoped_release others_run;
  return Model::from_pretrained(repo, file, options);
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

Retriever open_retriever(const std::string& path) {
  const nb::gil_scoped_release others_run;
  return Retriever::open(path);
}

/// Signals are looked at between the steps of building; one step (FAISS's k-means) is not interrupted.
IndexOptions index_options(int threads) {
  return {.threads = threads, .progress = [poll = SignalPoll()](std::string_view) mutable { poll(); }};
}

Retriever build_retriever(const Matrix& vectors, int threads) {
  const IndexOptions options = index_options(threads);
  const nb::gil_scoped_release others_run;
  return Retriever::build({vectors.data(), vectors.size()}, static_cast<int64_t>(vectors.shape(1)), options);
}

Retriever build_retriever_from_folder(const std::string& folder, int threads) {
  const IndexOptions options = index_options(threads);
  const nb::gil_scoped_release others_run;
  return Retriever::build_from_folder(folder, options);
}

void save_retriever(const Retriever& retriever, const std::string& path) {
  const nb::gil_scoped_release others_run;
  retriever.save(path);
}

std::string save_retriever_for_rvc(const Retriever& retriever, const std::string& folder,
                                   const std::string& name) {
  const nb::gil_scoped_release others_run;
  return retriever.save_for_rvc(folder, name).string();
}

Frames blend(const Retriever& retriever, const Matrix& frames, float rate) {
  Features features;
  features.frames = static_cast<int64_t>(frames.shape(0));
  features.dim = static_cast<int64_t>(frames.shape(1));
  std::unique_ptr<float[]> blended(new float[frames.size()]);
  {
    const nb::gil_scoped_release others_run;
    features.data.assign(frames.data(), frames.data() + frames.size());
    std::ranges::copy(retriever.blend(features, rate).data, blended.get());
  }
  return owner_of<Frames>(std::move(blended), {frames.shape(0), frames.shape(1)});
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
      .def_ro("conv_pos_batch_norm", &ModelConfig::conv_pos_batch_norm)
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
      .def_ro("layout", &ModelInfo::layout,
              "Whose tensor names it uses: \"fairseq\", \"hf\", \"mlx\", \"torchaudio\" or \"soft-vc\".")
      .def_ro("kind", &ModelInfo::kind, "\"ContentVec\", \"HuBERT\", ... or \"not told by the file\".")
      .def_ro("config_source", &ModelInfo::config_source, "Where the architecture was read from.")
      .def_ro("parameters", &ModelInfo::parameters, "Numbers in the weights.")
      .def_ro("warnings", &ModelInfo::warnings, "Tensors that were not recognised, and the like.");
}

void bind_hub(nb::module_& m) {
  nb::class_<DownloadProgress>(m, "DownloadProgress", "How far the download of one file is.")
      .def_ro("repo", &DownloadProgress::repo, "\"org/repo\".")
      .def_ro("file", &DownloadProgress::file,
              "Its name in the repository; empty while the hub is asked for all.")
      .def_ro("done", &DownloadProgress::done, "Bytes on the disk, those of an earlier attempt included.")
      .def_ro("total", &DownloadProgress::total, "Bytes; -1 where the hub does not say, or has not yet.")
      .def_ro("waiting", &DownloadProgress::waiting,
              "Whether another process downloads it, which is waited for.");
  nb::class_<HubOptions>(m, "HubOptions", "Where models named after the Hugging Face hub come from.")
      .def(nb::new_(&hub_options), "revision"_a.none(), "cache_dir"_a.none(), "token"_a.none(),
           "local_files_only"_a, "progress"_a.none());
}

void bind_retriever(nb::module_& m) {
  nb::class_<Retriever>(m, "Retriever", "RVC's index. Immutable: any number of threads may use it at once.")
      .def_static("open", &open_retriever, "path"_a, "Reads a file. Lets other Python threads run.")
      .def_static("build", &build_retriever, "vectors"_a, "threads"_a,
                  "An index of [size, dim]. Lets other Python threads run.")
      .def_static("build_from_folder", &build_retriever_from_folder, "folder"_a, "threads"_a,
                  "An index of the .npy files there. Lets other Python threads run.")
      .def_prop_ro("size", &Retriever::size)
      .def_prop_ro("dim", &Retriever::dim)
      .def_prop_ro("lists", &Retriever::lists)
      .def("blend", &blend, "features"_a, "rate"_a, "[frames, dim], blended. Lets other Python threads run.")
      .def("save", &save_retriever, "path"_a, "Writes the file. Lets other Python threads run.")
      .def("save_for_rvc", &save_retriever_for_rvc, "folder"_a, "name"_a,
           "Writes RVC's two files; returns the path of the added one. Lets other Python threads run.");
}

}  // namespace
}  // namespace contentvec

NB_MODULE(_core, m) {
  using namespace contentvec;
  m.doc() = "The native part of contentvec; use the package's own functions.";
  m.attr("version") = version();
  m.attr("INDEX_RATE") = kIndexRate;
  nb::exception<Error> error(m, "Error", PyExc_RuntimeError);
  error.attr("__doc__") =
      "Anything wrong with a file, an array or an option. Its text says what was expected, what was found "
      "and what to do.";
  bind_config(m);
  bind_info(m);
  bind_hub(m);
  bind_retriever(m);

  nb::class_<Model>(m, "Model", "A loaded model. Immutable: any number of threads may use it at once.")
      .def_prop_ro("config", &Model::config, nb::rv_policy::copy)
      .def_prop_ro("info", &Model::info, nb::rv_policy::copy)
      .def("extract", &extract, "waveforms"_a, "layers"_a, "proj"_a = false, "normalize"_a = nb::none(),
           "speaker_embedding"_a = nb::none(),
           "A ragged batch of [samples] at 16 kHz; of each, the layers listed (at least one; 0: projected, "
           "-1: the\n"
           "model's output) as a view of float32 [layers, frames, dim]. Lets other Python threads run; "
           "Ctrl-C ends it.");
  m.def("load", &load, "spec"_a, "config"_a.none(), "threads"_a, "dtype"_a, "device"_a, "hub"_a,
        "Opens a checkpoint or a model of the hub. Lets other Python threads run; Ctrl-C ends a download.");
  m.def("from_pretrained", &from_pretrained, "repo"_a, "file"_a, "threads"_a, "dtype"_a, "device"_a, "hub"_a,
        "Opens a file of a repository on the hub, whatever is called so here. As load().");
  m.def("devices", &list_devices, "(name, available, description) of everything `device` can be, here.");
  m.def("load_audio", &load_audio_array, "path"_a,
        "Decodes an audio file to 16 kHz mono float32 [samples]. Lets other Python threads run.");
}
