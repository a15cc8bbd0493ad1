#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings.h"

namespace contentvec::python {
namespace {

using Samples = nb::ndarray<nb::numpy, float, nb::ndim<1>>;
using Progress = std::function<void(double)>;

/// Runs during a synthesis: Python's signal handlers, and the caller's function (may be empty), ten times a second.
class ProgressPoll {
 public:
  explicit ProgressPoll(Progress progress) : progress_(std::move(progress)) {}

  void operator()(double done) {
    signals_();
    const auto now = std::chrono::steady_clock::now();
    if (!progress_ || (done < 1 && now - last_ < std::chrono::milliseconds(100))) return;
    last_ = now;
    const Interpreter interpreter;
    progress_(done);
  }

 private:
  SignalPoll signals_;
  Progress progress_;
  std::chrono::steady_clock::time_point last_ = {};
};

Samples samples_of(const std::vector<float>& values) {
  std::unique_ptr<float[]> data(new float[values.size()]);
  std::ranges::copy(values, data.get());
  return owner_of<Samples>(std::move(data), {values.size()});
}

std::span<const float> optional_span(const std::optional<Vector>& array) {
  return array ? span_of(*array) : std::span<const float>();
}

VoiceLoadOptions load_options(int threads, const std::string& dtype, std::optional<int> sample_rate,
                              const HubOptions& hub) {
  return {.threads = threads, .dtype = dtype_from_name(dtype), .hub = hub, .sample_rate = sample_rate};
}

Voice load_voice(const std::string& spec, int threads, const std::string& dtype,
                 std::optional<int> sample_rate, const HubOptions& hub) {
  const VoiceLoadOptions options = load_options(threads, dtype, sample_rate, hub);
  const OthersRun others_run;
  return Voice::load(spec, options);
}

VoiceInfo inspect(const std::string& spec, std::optional<int> sample_rate, const HubOptions& hub) {
  const VoiceLoadOptions options = load_options(0, "f32", sample_rate, hub);
  const OthersRun others_run;
  return inspect_voice(spec, options);
}

std::tuple<std::string, std::optional<std::string>> find(const std::string& spec, const HubOptions& hub) {
  const OthersRun others_run;
  VoiceSource source = find_voice(spec, hub);
  return {std::move(source.voice), std::move(source.index)};
}

Samples synthesize(const Voice& voice, const Matrix& features, const std::optional<Vector>& f0,
                   double source_pitch, int64_t speaker, uint64_t seed, int64_t skip_frames,
                   int64_t keep_frames, int64_t stretch_to) {
  if (static_cast<int64_t>(features.shape(1)) != voice.info().feature_dim) {
    throw Error("features have " + std::to_string(features.shape(1)) + " values a frame; this voice takes " +
                std::to_string(voice.info().feature_dim));
  }
  std::vector<float> waveform;
  {
    const VoiceInput input = {.features = {features.data(), features.size()},
                              .f0 = optional_span(f0),
                              .speaker = speaker,
                              .seed = seed,
                              .skip_frames = skip_frames,
                              .keep_frames = keep_frames,
                              .stretch_to = stretch_to,
                              .source_pitch = source_pitch,
                              .progress = ProgressPoll({})};
    const OthersRun others_run;
    waveform = voice.synthesize(input);
  }
  return samples_of(waveform);
}

Converter make_converter(const Model& model, const PitchEstimator* pitch, const Voice& voice,
                         const Retriever* retriever) {
  return {model, pitch != nullptr ? std::optional(*pitch) : std::nullopt, voice,
          retriever != nullptr ? std::optional(*retriever) : std::nullopt};
}

/// The samples, their rate, and the pitch: f0 and confidence.
std::tuple<Samples, int, Samples, Samples> convert(const Converter& converter, const Vector& waveform,
                                                   int rate, double key, int64_t speaker, float index_rate,
                                                   int64_t nprobe, float protect, float rms_mix_rate,
                                                   bool keep_unvoiced, std::optional<double> threshold,
                                                   const std::optional<Vector>& f0, double formant,
                                                   double crossfade_ms, uint64_t seed, int output_rate,
                                                   Progress progress) {
  Converted converted;
  {
    const ConvertOptions options = {.key = key,
                                    .speaker = speaker,
                                    .index_rate = index_rate,
                                    .nprobe = nprobe,
                                    .protect = protect,
                                    .rms_mix_rate = rms_mix_rate,
                                    .unvoiced = keep_unvoiced ? Unvoiced::kKeep : Unvoiced::kInterpolate,
                                    .pitch_threshold = threshold,
                                    .f0 = optional_span(f0),
                                    .formant = formant,
                                    .crossfade_ms = crossfade_ms,
                                    .seed = seed,
                                    .output_rate = output_rate,
                                    .progress = ProgressPoll(std::move(progress))};
    const OthersRun others_run;
    converted = converter.convert(span_of(waveform), rate, options);
  }
  return {samples_of(converted.waveform), converted.sample_rate, samples_of(converted.pitch.f0),
          samples_of(converted.pitch.confidence)};
}

nb::ndarray<nb::numpy, int16_t, nb::ndim<1>> pcm16(const Vector& waveform) {
  auto owned = std::make_unique<std::vector<int16_t>>(to_pcm16(span_of(waveform)));
  int16_t* data = owned->data();
  const size_t shape[] = {owned->size()};
  const nb::capsule owner(owned.release(),
                          [](void* memory) noexcept { delete static_cast<std::vector<int16_t>*>(memory); });
  return {data, 1, shape, owner};
}

void write(const std::string& path, const Vector& waveform, int rate, const std::string& encoding) {
  const std::map<std::string, AudioEncoding> encodings = {
      {"pcm16", AudioEncoding::kPcm16}, {"pcm24", AudioEncoding::kPcm24}, {"float", AudioEncoding::kFloat}};
  const auto known = encodings.find(encoding);
  if (known == encodings.end())
    throw Error("the encoding is \"" + encoding + "\"; expected pcm16, pcm24 or float");
  const std::span<const float> channel = span_of(waveform);
  const OthersRun others_run;
  write_audio(path, std::span(&channel, 1), rate, {.encoding = known->second});
}

}  // namespace

void bind_voice(nb::module_& m) {
  nb::class_<VoiceInfo>(m, "VoiceInfo", "What a voice's file says.")
      .def_ro("source", &VoiceInfo::source, "The path or spec it came from.")
      .def_ro("version", &VoiceInfo::version, "\"v1\" (features of 256 values) or \"v2\" (768).")
      .def_ro("sample_rate", &VoiceInfo::sample_rate, "Hz, of what it synthesizes.")
      .def_ro("pitch", &VoiceInfo::pitch, "Whether it takes a pitch.")
      .def_ro("feature_dim", &VoiceInfo::feature_dim, "Values of each frame of features.")
      .def_prop_ro(
          "layer",
          [](const VoiceInfo& info) {
            return info.stage.layer == kModelOutput ? std::nullopt : std::optional(info.stage.layer);
          },
          "The layer whose features it takes, as `Model.extract` takes it: None is the model's output.")
      .def_prop_ro(
          "final_proj", [](const VoiceInfo& info) { return info.stage.final_proj; },
          "Whether they go through final_proj: those of version 1 do.")
      .def_ro("speakers", &VoiceInfo::speakers, "That it can be, numbered from 0.")
      .def_ro("samples_per_frame", &VoiceInfo::samples_per_frame, "For each frame of 10 ms.")
      .def_ro("parameters", &VoiceInfo::parameters, "Of what inference needs.")
      .def_ro("notes", &VoiceInfo::notes, "What else the file says: \"info\", \"author\", \"epoch\" ...")
      .def_ro("warnings", &VoiceInfo::warnings, "Whole sentences: what a user should know of this file.");
  nb::class_<Voice>(m, "Voice", "Immutable: any number of threads may use it at once.")
      .def_prop_ro("info", &Voice::info)
      .def_prop_ro("threads", &Voice::threads)
      .def("synthesize", &synthesize, "features"_a, "f0"_a.none(), "source_pitch"_a, "speaker"_a, "seed"_a,
           "skip_frames"_a, "keep_frames"_a, "stretch_to"_a, "Lets other Python threads run.");
  nb::class_<Converter>(m, "Converter", "Immutable: any number of threads may use it at once.")
      .def(nb::new_(&make_converter), "model"_a, "pitch"_a.none(), "voice"_a, "retriever"_a.none())
      .def("convert", &convert, "waveform"_a, "rate"_a, "key"_a, "speaker"_a, "index_rate"_a, "nprobe"_a,
           "protect"_a, "rms_mix_rate"_a, "keep_unvoiced"_a, "threshold"_a.none(), "f0"_a.none(), "formant"_a,
           "crossfade_ms"_a, "seed"_a, "output_rate"_a, "progress"_a.none(),
           "Lets other Python threads run.");
  m.def("load_voice", &load_voice, "spec"_a, "threads"_a, "dtype"_a, "sample_rate"_a.none(), "hub"_a);
  m.def("inspect_voice", &inspect, "spec"_a, "sample_rate"_a.none(), "hub"_a);
  m.def("find_voice", &find, "spec"_a, "hub"_a);
  m.def("to_pcm16", &pcm16, "waveform"_a);
  m.def("write_audio", &write, "path"_a, "waveform"_a, "rate"_a, "encoding"_a);
}

}  // namespace contentvec::python
