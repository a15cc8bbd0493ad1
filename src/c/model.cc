// Models of the C interface, over the public C++ one.

#include <algorithm>
#include <array>
#include <cstring>
#include <memory_resource>
#include <utility>
#include <vector>

#include "c/guard.h"
#include "c/handles.h"
#include "c/loading.h"
#include "contentvec/long_audio.h"
#include "contentvec/model.h"

using namespace contentvec;  // this file is a translation from one interface to the other
using c::guarded;
using c::InvalidArgument;
using c::needed;

struct contentvec_model {
  Model model;
  std::string isa;
  std::string config_json;
};

const Model& contentvec::c::model_of(const contentvec_model* model) {
  return needed(model, "model").model;
}

namespace {

contentvec_extract_options extract_defaults() {
  contentvec_extract_options defaults = {};
  defaults.size = sizeof(defaults);
  defaults.stage.layer = CONTENTVEC_LAYER_OUTPUT;
  return defaults;
}

/// By their numbers in C.
constexpr std::array kDevices = {Device::kCpu, Device::kAuto, Device::kMlx, Device::kGpu};

Device device_of(contentvec_device device) {
  if (device < CONTENTVEC_CPU || device > CONTENTVEC_GPU) {
    throw InvalidArgument("no device has the number " + std::to_string(device));
  }
  return kDevices[static_cast<size_t>(device)];
}

contentvec_device number_of(Device device) {
  return static_cast<contentvec_device>(std::ranges::find(kDevices, device) - kDevices.begin());
}

Normalize normalize_of(int32_t normalize) {
  constexpr std::array kChoices = {Normalize::kAuto, Normalize::kOn, Normalize::kOff};
  if (normalize < CONTENTVEC_NORMALIZE_AUTO || normalize > CONTENTVEC_NORMALIZE_OFF) {
    throw InvalidArgument("normalize is " + std::to_string(normalize));
  }
  return kChoices[static_cast<size_t>(normalize)];
}

/// Loads by `load(options)`, which is Model::load of something.
template <typename Load>
contentvec_status load_model(const contentvec_load_options* options, contentvec_model** result,
                             const Load& load) {
  return guarded([&] {
    needed(result, "model");
    const contentvec_load_options given = c::options_or_defaults(options, c::load_defaults());
    LoadOptions wanted;
    if (given.config_json != nullptr)
      wanted.config = ModelConfig::from_json(given.config_json, "config_json");
    wanted.threads = given.threads;
    wanted.dtype = c::dtype_of(given.dtype);
    wanted.device = device_of(given.device);
    wanted.run_tasks = c::run_tasks_of(given);
    wanted.hub = c::hub_of(given);
    c::check_abort(given.abort);
    Model model = load(wanted);
    std::string isa = model.isa();
    std::string config_json = model.config().to_json();
    if (given.log != nullptr) {
      for (const std::string& warning : model.info().warnings) given.log(given.user, 1, warning.c_str());
    }
    *result = new contentvec_model{std::move(model), std::move(isa), std::move(config_json)};
  });
}

ExtractOptions extract_options_of(const contentvec_extract_options& given) {
  const size_t size = c::checked_count(given.speaker_embedding_size, "speaker_embedding_size");
  c::check_array(given.speaker_embedding, size, "speaker_embedding");
  ExtractOptions options = {.layer = given.stage.layer,
                            .final_proj = given.stage.final_proj != 0,
                            .normalize = normalize_of(given.normalize),
                            .speaker_embedding = {given.speaker_embedding, size}};
  if (given.abort != nullptr) options.poll = [flag = given.abort] { c::check_abort(flag); };
  return options;
}

std::span<float> features_of(float* features, int64_t capacity) {
  const size_t size = c::checked_count(capacity, "capacity");
  c::check_array(features, size, "features");
  return {features, size};
}

/// Lists on the stack, of a batch of 1 and 16 stages at least; beyond, on the heap.
class Lists {
 public:
  template <typename T>
  std::pmr::vector<T> of(size_t count) {
    return std::pmr::vector<T>(count, &memory_);
  }

 private:
  std::array<std::byte, 1024> space_{};
  std::pmr::monotonic_buffer_resource memory_{space_.data(), space_.size()};
};

void extract_batch(const Model& model, const float* const* waveforms, const int64_t* samples,
                   size_t utterances, const contentvec_stage* stages, size_t stage_count,
                   const contentvec_extract_options* options, float* const* features,
                   const int64_t* capacities) {
  c::check_array(waveforms, utterances, "waveforms");
  c::check_array(samples, utterances, "samples");
  c::check_array(stages, stage_count, "stages");
  if (stage_count > 0 && utterances > SIZE_MAX / stage_count) throw InvalidArgument("too many stages");
  c::check_array(features, utterances * stage_count, "features");
  c::check_array(capacities, utterances * stage_count, "capacities");
  const contentvec_extract_options given = c::options_or_defaults(options, extract_defaults());

  Lists lists;
  auto wanted = lists.of<Stage>(stage_count);
  for (size_t i = 0; i < stage_count; ++i) wanted[i] = {stages[i].layer, stages[i].final_proj != 0};
  auto inputs = lists.of<std::span<const float>>(utterances);
  for (size_t i = 0; i < utterances; ++i) inputs[i] = c::waveform_of(waveforms[i], samples[i]);
  auto outputs = lists.of<std::span<float>>(utterances * stage_count);
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = features_of(features[i], capacities[i]);
  model.extract_batch_into(inputs, wanted, outputs, extract_options_of(given));
}

}  // namespace

void contentvec_load_options_init(contentvec_load_options* options, size_t size) {
  c::fill_in(options, size, c::load_defaults());
}

void contentvec_extract_options_init(contentvec_extract_options* options, size_t size) {
  c::fill_in(options, size, extract_defaults());
}

contentvec_status contentvec_model_load(const char* spec, const contentvec_load_options* options,
                                        contentvec_model** model) {
  return load_model(options, model, [&](const LoadOptions& wanted) {
    return Model::load(spec == nullptr ? kDefaultModel : spec, wanted);
  });
}

contentvec_status contentvec_model_load_memory(const void* file, size_t size, const char* name,
                                               const contentvec_load_options* options,
                                               contentvec_model** model) {
  return load_model(options, model, [&](const LoadOptions& wanted) {
    return Model::load(c::file_of(file, size, name), wanted);
  });
}

contentvec_status contentvec_model_load_callbacks(contentvec_read_at read, void* user, uint64_t size,
                                                  const char* name, const contentvec_load_options* options,
                                                  contentvec_model** model) {
  return load_model(options, model, [&](const LoadOptions& wanted) {
    return Model::load(c::file_of(read, user, size, name), wanted);
  });
}

void contentvec_model_free(contentvec_model* model) {
  delete model;
}

contentvec_status contentvec_model_get_info(const contentvec_model* model, contentvec_model_info* info) {
  return guarded([&] {
    const ModelInfo& from = needed(model, "model").model.info();
    const size_t size = c::size_of_info(info, "contentvec_model_info");
    const ModelConfig& config = from.config;
    c::fill_in(info, size,
               contentvec_model_info{.size = size,
                                     .dim = config.encoder_embed_dim,
                                     .final_dim = config.final_dim,
                                     .layers = config.total_layers(),
                                     .speaker_dim = config.speaker_conditioned() ? config.speaker_dim : 0,
                                     .normalizes = normalises(config, Normalize::kAuto) ? 1 : 0,
                                     .threads = model->model.threads(),
                                     .device = number_of(model->model.device()),
                                     .receptive_field = config.receptive_field(),
                                     .hop = config.hop(),
                                     .parameters = from.parameters,
                                     .source = from.source.c_str(),
                                     .container = from.container.c_str(),
                                     .layout = from.layout.c_str(),
                                     .kind = from.kind.c_str(),
                                     .isa = model->isa.c_str(),
                                     .config_json = model->config_json.c_str()});
  });
}

const char* contentvec_model_warning(const contentvec_model* model, size_t index) {
  if (model == nullptr || index >= model->model.info().warnings.size()) return nullptr;
  return model->model.info().warnings[index].c_str();
}

int64_t contentvec_model_frames_for(const contentvec_model* model, int64_t samples) {
  return model == nullptr ? 0 : model->model.config().frames(samples);
}

contentvec_status contentvec_model_prepare(const contentvec_model* model, int64_t max_samples,
                                           int32_t calls) {
  return guarded([&] { needed(model, "model").model.prepare(max_samples, calls); });
}

contentvec_status contentvec_model_extract(const contentvec_model* model, const float* waveform,
                                           int64_t samples, const contentvec_extract_options* options,
                                           float* features, int64_t capacity) {
  return guarded([&] {
    const contentvec_extract_options given = c::options_or_defaults(options, extract_defaults());
    needed(model, "model")
        .model.extract_into(c::waveform_of(waveform, samples), features_of(features, capacity),
                            extract_options_of(given));
  });
}

contentvec_status contentvec_model_extract_stages(const contentvec_model* model, const float* waveform,
                                                  int64_t samples, const contentvec_stage* stages,
                                                  size_t stage_count,
                                                  const contentvec_extract_options* options,
                                                  float* const* features, const int64_t* capacities) {
  return guarded([&] {
    extract_batch(needed(model, "model").model, &waveform, &samples, 1, stages, stage_count, options,
                  features, capacities);
  });
}

contentvec_status contentvec_model_extract_batch(const contentvec_model* model, const float* const* waveforms,
                                                 const int64_t* samples, size_t utterances,
                                                 const contentvec_stage* stages, size_t stage_count,
                                                 const contentvec_extract_options* options,
                                                 float* const* features, const int64_t* capacities) {
  return guarded([&] {
    extract_batch(needed(model, "model").model, waveforms, samples, utterances, stages, stage_count, options,
                  features, capacities);
  });
}

contentvec_status contentvec_model_extract_long(const contentvec_model* model, const float* waveform,
                                                int64_t samples, double max_seconds, double overlap_seconds,
                                                const contentvec_extract_options* options, float* features,
                                                int64_t capacity) {
  return guarded([&] {
    const Model& of = needed(model, "model").model;
    const contentvec_extract_options given = c::options_or_defaults(options, extract_defaults());
    const Stage stage = {given.stage.layer, given.stage.final_proj != 0};
    const std::span<const float> whole = c::waveform_of(waveform, samples);
    const std::span<float> into = features_of(features, capacity);
    const int64_t frames = of.config().frames(samples);
    const int64_t dim = stage.final_proj ? of.config().final_dim : of.config().encoder_embed_dim;
    if (capacity != frames * dim) {
      throw InvalidArgument("the features are " + std::to_string(frames) + " frames of " +
                            std::to_string(dim) + " values, capacity is " + std::to_string(capacity));
    }
    const LongAudioOptions long_audio = {.max_seconds = max_seconds == 0 ? kPassSeconds : max_seconds,
                                         .overlap_seconds = overlap_seconds};
    extract_pieces(of, whole, std::span(&stage, 1), long_audio, extract_options_of(given),
                   [&](int64_t first, const std::vector<Features>& piece) {
                     const Features& own = piece.front();
                     std::copy(own.data.begin(), own.data.end(), into.begin() + first * own.dim);
                     if (given.progress == nullptr) return;
                     const int64_t done = first + own.frames;
                     if (given.progress(given.user, "frames", done, frames) != 0) throw c::Aborted();
                   });
  });
}
