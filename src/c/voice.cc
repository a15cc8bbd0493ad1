// Voices and conversion of the C interface, over the public C++ one.

#include "contentvec/voice.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "c/guard.h"
#include "c/handles.h"
#include "c/loading.h"
#include "contentvec/converter.h"

using namespace contentvec;  // this file is a translation from one interface to the other
using c::guarded;
using c::InvalidArgument;
using c::needed;

struct contentvec_converter {
  Converter converter;
};

namespace {

contentvec_synthesis_options synthesis_defaults() {
  contentvec_synthesis_options defaults = {};
  defaults.size = sizeof(defaults);
  return defaults;
}

contentvec_convert_options convert_defaults() {
  const ConvertOptions options;
  contentvec_convert_options defaults = {};
  defaults.size = sizeof(defaults);
  defaults.index_rate = options.index_rate;
  defaults.protect = options.protect;
  defaults.rms_mix_rate = options.rms_mix_rate;
  return defaults;
}

/// Tells the caller's function of the part that is done, and ends the call where it or the flag wants that.
std::function<void(double)> progress_of(const contentvec_abort_flag* flag, contentvec_progress progress,
                                        void* user) {
  return [=](double done) {
    c::check_abort(flag);
    constexpr double kWhole = 1000;
    if (progress != nullptr &&
        progress(user, "permille", static_cast<int64_t>(done * kWhole), static_cast<int64_t>(kWhole)) != 0)
      throw c::Aborted();
  };
}

ConvertOptions convert_options_of(const contentvec_convert_options& given) {
  const size_t frames = c::checked_count(given.f0_frames, "f0_frames");
  c::check_array(given.f0, frames, "f0");
  ConvertOptions options = {.key = given.key,
                            .speaker = given.speaker,
                            .index_rate = given.index_rate,
                            .nprobe = given.nprobe,
                            .protect = given.protect,
                            .rms_mix_rate = given.rms_mix_rate,
                            .unvoiced = c::unvoiced_of(given.unvoiced),
                            .f0 = {given.f0, frames},
                            .formant = given.formant,
                            .crossfade_ms = given.crossfade_ms,
                            .seed = given.seed,
                            .output_rate = given.output_rate,
                            .progress = progress_of(given.abort, given.progress, given.user)};
  if (given.pitch_threshold != 0) options.pitch_threshold = given.pitch_threshold;
  return options;
}

/// frames * dim floats, which no overflow makes few.
std::span<const float> content_of(const float* features, int64_t frames, int64_t dim) {
  const size_t count = c::checked_count(frames, "frames");
  if (count > static_cast<size_t>(PTRDIFF_MAX) / sizeof(float) / static_cast<size_t>(dim))
    throw InvalidArgument("features would be larger than any memory");
  const size_t size = count * static_cast<size_t>(dim);
  c::check_array(features, size, "features");
  return {features, size};
}

}  // namespace

Unvoiced contentvec::c::unvoiced_of(contentvec_unvoiced unvoiced) {
  if (unvoiced == CONTENTVEC_UNVOICED_INTERPOLATE) return Unvoiced::kInterpolate;
  if (unvoiced == CONTENTVEC_UNVOICED_KEEP) return Unvoiced::kKeep;
  throw InvalidArgument("unvoiced is " + std::to_string(unvoiced));
}

contentvec_status contentvec_voice_load(const char* spec, int32_t sample_rate,
                                        const contentvec_load_options* options, contentvec_voice** voice) {
  return guarded([&] {
    needed(voice, "voice");
    const contentvec_load_options given = c::options_or_defaults(options, c::load_defaults());
    c::check_is_for_cpu(given, "a voice");
    VoiceLoadOptions wanted = {.threads = given.threads,
                               .dtype = c::dtype_of(given.dtype),
                               .run_tasks = c::run_tasks_of(given),
                               .hub = c::hub_of(given)};
    if (sample_rate != 0) wanted.sample_rate = sample_rate;
    Voice loaded = Voice::load(&needed(spec, "spec"), wanted);
    if (given.log != nullptr)
      for (const std::string& warning : loaded.info().warnings) given.log(given.user, 1, warning.c_str());
    *voice = new contentvec_voice{std::move(loaded)};
  });
}

void contentvec_voice_free(contentvec_voice* voice) {
  delete voice;
}

contentvec_status contentvec_voice_get_info(const contentvec_voice* voice, contentvec_voice_info* info) {
  return guarded([&] {
    const Voice& loaded = needed(voice, "voice").voice;
    const size_t size = c::size_of_info(info, "contentvec_voice_info");
    const VoiceInfo& own = loaded.info();
    c::fill_in(info, size,
               contentvec_voice_info{
                   .size = size,
                   .version = own.version == "v1" ? 1 : 2,
                   .sample_rate = own.sample_rate,
                   .pitch = own.pitch ? 1 : 0,
                   .threads = loaded.threads(),
                   .feature_dim = own.feature_dim,
                   .speakers = own.speakers,
                   .samples_per_frame = own.samples_per_frame,
                   .parameters = own.parameters,
                   .source = own.source.c_str(),
                   .stage = {.layer = own.stage.layer, .final_proj = own.stage.final_proj ? 1 : 0}});
  });
}

const char* contentvec_voice_warning(const contentvec_voice* voice, size_t index) {
  if (voice == nullptr || index >= voice->voice.info().warnings.size()) return nullptr;
  return voice->voice.info().warnings[index].c_str();
}

void contentvec_synthesis_options_init(contentvec_synthesis_options* options, size_t size) {
  c::fill_in(options, size, synthesis_defaults());
}

contentvec_status contentvec_voice_synthesize(const contentvec_voice* voice, const float* features,
                                              int64_t frames, const float* f0,
                                              const contentvec_synthesis_options* options, float* samples,
                                              int64_t capacity) {
  return guarded([&] {
    const Voice& own = needed(voice, "voice").voice;
    const contentvec_synthesis_options given = c::options_or_defaults(options, synthesis_defaults());
    VoiceInput input = {.features = content_of(features, frames, own.info().feature_dim),
                        .speaker = given.speaker,
                        .seed = given.seed,
                        .skip_frames = given.skip_frames,
                        .keep_frames = given.keep_frames == 0 ? -1 : given.keep_frames,
                        .stretch_to = given.stretch_to == 0 ? -1 : given.stretch_to,
                        .progress = progress_of(given.abort, nullptr, nullptr)};
    if (f0 != nullptr) input.f0 = {f0, static_cast<size_t>(frames)};
    const std::vector<float> synthesized = own.synthesize(input);
    const size_t room = c::checked_count(capacity, "capacity");
    if (room != synthesized.size())
      throw InvalidArgument("there are " + std::to_string(synthesized.size()) + " samples, capacity is " +
                            std::to_string(capacity));
    c::check_array(samples, room, "samples");
    std::ranges::copy(synthesized, samples);
  });
}

contentvec_status contentvec_converter_new(const contentvec_model* model, const contentvec_pitch* pitch,
                                           const contentvec_voice* voice, const contentvec_index* index,
                                           contentvec_converter** converter) {
  return guarded([&] {
    needed(converter, "converter");
    *converter = new contentvec_converter{Converter(c::model_of(model), c::estimator_of(pitch),
                                                    needed(voice, "voice").voice, c::retriever_of(index))};
  });
}

void contentvec_converter_free(contentvec_converter* converter) {
  delete converter;
}

void contentvec_convert_options_init(contentvec_convert_options* options, size_t size) {
  c::fill_in(options, size, convert_defaults());
}

contentvec_status contentvec_convert(const contentvec_converter* converter, const float* waveform,
                                     int64_t samples, int32_t rate, const contentvec_convert_options* options,
                                     contentvec_audio** converted) {
  return guarded([&] {
    const Converter& own = needed(converter, "converter").converter;
    needed(converted, "converted");
    const contentvec_convert_options given = c::options_or_defaults(options, convert_defaults());
    Converted result = own.convert(c::waveform_of(waveform, samples), rate, convert_options_of(given));
    *converted = new contentvec_audio{{.waveform = std::move(result.waveform), .source_rate = rate},
                                      result.sample_rate};
  });
}
