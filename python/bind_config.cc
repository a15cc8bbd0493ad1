#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <functional>
#include <new>
#include <string>
#include <tuple>
#include <vector>

#include "bindings.h"

namespace contentvec::python {
namespace {

const char* name_of(ExtractorMode mode) {
  switch (mode) {
    case ExtractorMode::kGroupNormMasked:
      return "group_norm_masked";
    case ExtractorMode::kLayerNorm:
      return "layer_norm";
    case ExtractorMode::kGroupNorm:
      break;
  }
  return "default";
}

/// What pickle keeps of a configuration is its JSON.
void set_state(ModelConfig& config, const std::string& json) {
  new (&config) ModelConfig(ModelConfig::from_json(json, "a pickled configuration"));
}

}  // namespace

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
          "extractor_mode", [](const ModelConfig& config) { return name_of(config.extractor_mode); },
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
      .def(
          "__eq__",
          [](const ModelConfig& config, const nb::object& other) {
            return nb::isinstance<ModelConfig>(other) && config == nb::cast<const ModelConfig&>(other);
          },
          "other"_a.none(), nb::sig("def __eq__(self, other: object) -> bool"))
      .def("__hash__", [](const ModelConfig& config) { return std::hash<std::string>()(config.to_json()); })
      .def("__getstate__", &ModelConfig::to_json)
      .def("__setstate__", &set_state)
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
      .def_ro("config", &ModelInfo::config, nb::rv_policy::copy, "The architecture.")
      .def_ro("config_source", &ModelInfo::config_source, "Where the architecture was read from.")
      .def_ro("normalize_source", &ModelInfo::normalize_source, "Where `config.normalize` was read from.")
      .def_ro("feature_projection", &ModelInfo::feature_projection,
              "Whether there is a linear layer between the convolutions and the blocks.")
      .def_ro("tensors", &ModelInfo::tensors, "Tensors of the file that the model uses.")
      .def_ro("parameters", &ModelInfo::parameters, "Numbers in the weights.")
      .def_ro("sha256", &ModelInfo::sha256,
              "Of the file; from contentvec.inspect() only, empty where there is no one file.")
      .def_ro("warnings", &ModelInfo::warnings, "Tensors that were not recognised, and the like.")
      .def("__repr__", [](const ModelInfo& info) {
        return "<ModelInfo: " + info.kind + ", " + std::to_string(info.parameters) + " parameters, " +
               info.container + ", " + info.source + ">";
      });
}

}  // namespace contentvec::python
