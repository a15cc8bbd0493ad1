#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.h"

namespace contentvec::python {
namespace {

/// [layers, frames, dim] as a memoryview, from which every kind of array can be made.
using Stages = nb::ndarray<nb::memview, float, nb::ndim<3>>;
/// The same in the caller's memory.
using Output = nb::ndarray<float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Tensor = nb::ndarray<nb::numpy, float>;

/// To Python's own logger "contentvec", which writes to standard error where the program has not set it up.
void log_notice(const std::string& notice) {
  const nb::gil_scoped_acquire gil;
  try {
    nb::module_::import_("logging").attr("getLogger")("contentvec").attr("warning")("%s", notice);
  } catch (nb::python_error& error) {
    error.discard_as_unraisable("contentvec");
  }
}

LoadOptions load_options(const std::optional<ModelConfig>& config, int threads, const std::string& dtype,
                         const std::string& device, const HubOptions& hub) {
  return {.config = config,
          .threads = threads,
          .dtype = dtype_from_name(dtype),
          .device = device_from_name(device),
          .hub = hub,
          .notice = log_notice};
}

Model load(const std::string& spec, const std::optional<ModelConfig>& config, int threads,
           const std::string& dtype, const std::string& device, const HubOptions& hub) {
  const LoadOptions options = load_options(config, threads, dtype, device, hub);
  const OthersRun others_run;
  return Model::load(spec, options);
}

Model from_pretrained(const std::string& repo, const std::string& file, int threads, const std::string& dtype,
                      const std::string& device, const HubOptions& hub) {
  const LoadOptions options = load_options(std::nullopt, threads, dtype, device, hub);
  const OthersRun others_run;
  return Model::from_pretrained(repo, file, options);
}

ModelInfo inspect_model(const std::string& spec, const std::optional<ModelConfig>& config,
                        const HubOptions& hub, bool digest) {
  const OthersRun others_run;
  return inspect(spec, {.config = config, .hub = hub}, digest);
}

ModelInfo write_model(const std::string& spec, const std::string& path, const std::string& layout,
                      const std::string& dtype, const std::optional<ModelConfig>& config,
                      const HubOptions& hub) {
  const ExportOptions options = {
      .layout = layout_from_name(layout), .dtype = dtype_from_name(dtype), .config = config, .hub = hub};
  const OthersRun others_run;
  return export_model(spec, path, options);
}

std::vector<std::pair<std::string, Tensor>> weights(const std::string& spec, const std::string& prefix,
                                                    const std::string& layout,
                                                    const std::optional<ModelConfig>& config) {
  const ExportOptions options = {.layout = layout_from_name(layout), .config = config};
  std::vector<WeightTensor> read;
  {
    const OthersRun others_run;
    read = read_weights(spec, prefix, options);
  }
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (WeightTensor& tensor : read) {
    auto owned = std::make_unique<std::vector<float>>(std::move(tensor.values));
    float* data = owned->data();
    const std::vector<size_t> shape(tensor.shape.begin(), tensor.shape.end());
    const nb::capsule owner(owned.release(),
                            [](void* memory) noexcept { delete static_cast<std::vector<float>*>(memory); });
    tensors.emplace_back(std::move(tensor.name), Tensor(data, shape.size(), shape.data(), owner));
  }
  return tensors;
}

/// What the stages of one waveform are, without computing them.
struct Shape {
  size_t layers, frames, dim;
  [[nodiscard]] size_t size() const { return layers * frames * dim; }
};

Shape shape_of(const Model& model, const Vector& waveform, size_t layers, bool final_proj) {
  const ModelConfig& config = model.config();
  return {layers, static_cast<size_t>(config.frames(static_cast<int64_t>(waveform.size()))),
          static_cast<size_t>(final_proj ? config.final_dim : config.encoder_embed_dim)};
}

std::vector<Stage> stages_of(const std::vector<int>& layers, bool final_proj) {
  if (layers.empty()) throw Error("no layer was asked for; name at least one");
  std::vector<Stage> stages;
  for (const int layer : layers) stages.push_back({.layer = layer, .final_proj = final_proj});
  return stages;
}

ExtractOptions extract_options(std::optional<bool> normalize, const std::optional<Vector>& speaker) {
  ExtractOptions options;
  if (normalize) options.normalize = *normalize ? Normalize::kOn : Normalize::kOff;
  if (speaker) options.speaker_embedding = span_of(*speaker);
  options.poll = SignalPoll();
  return options;
}

/// The stages of one utterance (at least one, all of one width) one after the other.
void join(const std::vector<Features>& stages, float* joined) {
  for (const Features& stage : stages) joined = std::ranges::copy(stage.data, joined).out;
}

std::vector<Stages> extract(const Model& model, const std::vector<Vector>& waveforms,
                            const std::vector<int>& layers, bool final_proj, std::optional<bool> normalize,
                            const std::optional<Vector>& speaker_embedding) {
  std::vector<std::span<const float>> batch;
  std::transform(waveforms.begin(), waveforms.end(), std::back_inserter(batch), span_of);
  const std::vector<Stage> stages = stages_of(layers, final_proj);
  const ExtractOptions options = extract_options(normalize, speaker_embedding);

  std::vector<std::vector<Features>> features;
  {
    const OthersRun others_run;
    features = model.extract_batch_stages(batch, stages, options);
  }
  std::vector<Stages> arrays;
  for (size_t i = 0; i < features.size(); ++i) {
    const Shape shape = shape_of(model, waveforms[i], stages.size(), final_proj);
    std::unique_ptr<float[]> joined(new float[shape.size()]);
    join(std::exchange(features[i], {}), joined.get());
    arrays.push_back(owner_of<Stages>(std::move(joined), {shape.layers, shape.frames, shape.dim}));
  }
  return arrays;
}

/// One waveform into memory of the caller's; in place, without taking any, where it is one layer.
void extract_into(const Model& model, const Vector& waveform, const Output& out,
                  const std::vector<int>& layers, bool final_proj, std::optional<bool> normalize,
                  const std::optional<Vector>& speaker_embedding) {
  const std::vector<Stage> stages = stages_of(layers, final_proj);
  const Shape shape = shape_of(model, waveform, stages.size(), final_proj);
  // Where there are no features, extracting says why.
  if (shape.size() > 0 &&
      (out.shape(0) != shape.layers || out.shape(1) != shape.frames || out.shape(2) != shape.dim)) {
    throw Error(fmt::format("out is [{}, {}, {}] (layers, frames, values); the features are [{}, {}, {}]",
                            out.shape(0), out.shape(1), out.shape(2), shape.layers, shape.frames, shape.dim));
  }
  ExtractOptions options = extract_options(normalize, speaker_embedding);
  const OthersRun others_run;
  if (stages.size() > 1) return join(model.extract_stages(span_of(waveform), stages, options), out.data());
  options.layer = stages.front().layer;
  options.final_proj = final_proj;
  model.extract_into(span_of(waveform), {out.data(), out.size()}, options);
}

void prepare(const Model& model, int64_t max_samples) {
  const OthersRun others_run;
  model.prepare(max_samples);
}

Stages extract_long_array(const Model& model, const Vector& waveform, const std::vector<int>& layers,
                          bool final_proj, std::optional<bool> normalize,
                          const std::optional<Vector>& speaker_embedding, double max_seconds,
                          double overlap_seconds) {
  const std::vector<Stage> stages = stages_of(layers, final_proj);
  const Shape shape = shape_of(model, waveform, stages.size(), final_proj);
  const ExtractOptions options = extract_options(normalize, speaker_embedding);
  std::unique_ptr<float[]> joined(new float[shape.size()]);
  const auto take = [&](int64_t first_frame, const std::vector<Features>& piece) {
    for (size_t i = 0; i < piece.size(); ++i)
      std::ranges::copy(piece[i].data,
                        joined.get() + (i * shape.frames + static_cast<size_t>(first_frame)) * shape.dim);
  };
  {
    const OthersRun others_run;
    extract_pieces(model, span_of(waveform), stages,
                   {.max_seconds = max_seconds, .overlap_seconds = overlap_seconds}, options, take);
  }
  return owner_of<Stages>(std::move(joined), {shape.layers, shape.frames, shape.dim});
}

std::vector<std::tuple<std::string, bool, std::string>> list_devices() {
  std::vector<std::tuple<std::string, bool, std::string>> list;
  for (const DeviceInfo& device : devices())
    list.emplace_back(device.name, device.available, device.description);
  return list;
}

}  // namespace

void bind_model(nb::module_& m) {
  nb::class_<Model>(m, "Model", "A loaded model. Immutable: any number of threads may use it at once.")
      .def_prop_ro("config", &Model::config, nb::rv_policy::copy)
      .def_prop_ro("info", &Model::info, nb::rv_policy::copy)
      .def_prop_ro("device", [](const Model& model) { return std::string(device_name(model.device())); })
      .def_prop_ro("isa", &Model::isa)
      .def_prop_ro("threads", &Model::threads)
      .def("extract", &extract, "waveforms"_a, "layers"_a, "final_proj"_a = false, "normalize"_a = nb::none(),
           "speaker_embedding"_a = nb::none(),
           "A ragged batch of [samples] at 16 kHz; of each, the layers listed (at least one; 0: projected, "
           "-1: the\n"
           "model's output) as a view of float32 [layers, frames, dim]. Lets other Python threads run; "
           "Ctrl-C ends it.")
      .def("extract_into", &extract_into, "waveform"_a, "out"_a.noconvert(), "layers"_a,
           "final_proj"_a = false, "normalize"_a = nb::none(), "speaker_embedding"_a = nb::none(),
           "As extract(), of one waveform, into [layers, frames, dim].")
      .def("prepare", &prepare, "max_samples"_a, "As C++'s. Lets other Python threads run.")
      .def("extract_long", &extract_long_array, "waveform"_a, "layers"_a, "final_proj"_a,
           "normalize"_a.none(), "speaker_embedding"_a.none(), "max_seconds"_a, "overlap_seconds"_a,
           "As extract(), of one waveform, cut at quiet points.");
  m.def("load", &load, "spec"_a, "config"_a.none(), "threads"_a, "dtype"_a, "device"_a, "hub"_a,
        "Opens a checkpoint or a model of the hub. Lets other Python threads run; Ctrl-C ends a download.");
  m.def("from_pretrained", &from_pretrained, "repo"_a, "file"_a, "threads"_a, "dtype"_a, "device"_a, "hub"_a,
        "Opens a file of a repository on the hub, whatever is called so here. As load().");
  m.def("inspect", &inspect_model, "spec"_a, "config"_a.none(), "hub"_a, "digest"_a,
        "What load() would load. Lets other Python threads run.");
  m.def("export_model", &write_model, "spec"_a, "path"_a, "layout"_a, "dtype"_a, "config"_a.none(), "hub"_a,
        "Writes a checkpoint anew. Lets other Python threads run.");
  m.def("weights", &weights, "spec"_a, "prefix"_a, "layout"_a, "config"_a.none(),
        "(name, values) of the tensors whose name begins with `prefix`. Lets other Python threads run.");
  m.def("devices", &list_devices, "(name, available, description) of everything `device` can be, here.");
}

}  // namespace contentvec::python
