// Streams of the C interface, over the public C++ one.

#include "contentvec/stream.h"

#include <string>

#include "c/guard.h"
#include "c/handles.h"
#include "contentvec/c_stream.h"

using namespace contentvec;  // this file is a translation from one interface to the other
using c::guarded;
using c::InvalidArgument;
using c::needed;

struct contentvec_stream {
  VoiceStream stream;
};

namespace {

contentvec_stream_options option_defaults() {
  const StreamOptions options;
  contentvec_stream_options defaults = {};
  defaults.size = sizeof(defaults);
  defaults.rate = options.rate;
  defaults.block_ms = options.block_ms;
  defaults.extra_ms = options.extra_ms;
  defaults.crossfade_ms = options.crossfade_ms;
  defaults.search_ms = options.search_ms;
  defaults.fast_context_ms = options.fast_context_ms;
  return defaults;
}

contentvec_stream_settings settings_of(const StreamSettings& settings) {
  contentvec_stream_settings result = {};
  result.size = sizeof(result);
  result.key = settings.key;
  result.formant = settings.formant;
  result.speaker = settings.speaker;
  result.index_rate = settings.index_rate;
  result.protect = settings.protect;
  result.rms_mix_rate = settings.rms_mix_rate;
  result.unvoiced =
      settings.unvoiced == Unvoiced::kKeep ? CONTENTVEC_UNVOICED_KEEP : CONTENTVEC_UNVOICED_INTERPOLATE;
  result.gate_db = settings.gate_db;
  result.bypass = settings.bypass ? 1 : 0;
  result.denoise_input = settings.denoise_input ? 1 : 0;
  result.denoise_output = settings.denoise_output ? 1 : 0;
  return result;
}

StreamSettings settings_from(const contentvec_stream_settings* given) {
  const contentvec_stream_settings settings = c::options_or_defaults(given, settings_of({}));
  return {.key = settings.key,
          .formant = settings.formant,
          .speaker = settings.speaker,
          .index_rate = settings.index_rate,
          .protect = settings.protect,
          .rms_mix_rate = settings.rms_mix_rate,
          .gate_db = settings.gate_db,
          .denoise_input = settings.denoise_input != 0,
          .denoise_output = settings.denoise_output != 0,
          .unvoiced = c::unvoiced_of(settings.unvoiced),
          .bypass = settings.bypass != 0};
}

StreamQuality quality_of(contentvec_stream_quality quality) {
  if (quality == CONTENTVEC_STREAM_EXACT) return StreamQuality::kExact;
  if (quality == CONTENTVEC_STREAM_FAST) return StreamQuality::kFast;
  throw InvalidArgument("quality is " + std::to_string(quality));
}

StreamOptions options_from(const contentvec_stream_options* given, const StreamSettings& settings) {
  const contentvec_stream_options own = c::options_or_defaults(given, option_defaults());
  StreamOptions options = {.rate = own.rate,
                           .block_ms = own.block_ms,
                           .extra_ms = own.extra_ms,
                           .crossfade_ms = own.crossfade_ms,
                           .search_ms = own.search_ms,
                           .quality = quality_of(own.quality),
                           .fast_context_ms = own.fast_context_ms,
                           .seed = own.seed,
                           .settings = settings};
  if (own.pitch_threshold != 0) options.pitch_threshold = own.pitch_threshold;
  return options;
}

/// Into a struct of the caller's, whose size says how much of it there is.
template <typename Struct>
void give(Struct* into, const char* name, Struct values) {
  values.size = needed(into, name).size;
  if (values.size < sizeof(values.size))
    throw InvalidArgument(std::string(name) + ": set its size to sizeof of the struct first");
  c::fill_in(into, values.size, values);
}

}  // namespace

void contentvec_stream_options_init(contentvec_stream_options* options, size_t size) {
  c::fill_in(options, size, option_defaults());
}

void contentvec_stream_settings_init(contentvec_stream_settings* settings, size_t size) {
  c::fill_in(settings, size, settings_of({}));
}

contentvec_status contentvec_stream_new(const contentvec_model* model, const contentvec_pitch* pitch,
                                        const contentvec_voice* voice, const contentvec_index* index,
                                        const contentvec_stream_options* options,
                                        const contentvec_stream_settings* settings,
                                        contentvec_stream** stream) {
  return guarded([&] {
    needed(stream, "stream");
    *stream = new contentvec_stream{VoiceStream(c::model_of(model), c::estimator_of(pitch),
                                                needed(voice, "voice").voice, c::retriever_of(index),
                                                options_from(options, settings_from(settings)))};
  });
}

void contentvec_stream_free(contentvec_stream* stream) {
  delete stream;
}

int64_t contentvec_stream_block(const contentvec_stream* stream) {
  return stream == nullptr ? 0 : stream->stream.block();
}

int64_t contentvec_stream_latency(const contentvec_stream* stream) {
  return stream == nullptr ? 0 : stream->stream.latency();
}

contentvec_status contentvec_stream_process(contentvec_stream* stream, const float* in, float* out,
                                            int64_t samples) {
  return guarded([&] {
    VoiceStream& own = needed(stream, "stream").stream;
    const size_t size = c::checked_count(samples, "samples");
    c::check_array(in, size, "in");
    c::check_array(out, size, "out");
    switch (own.process({in, size}, {out, size})) {
      case StreamStatus::kOk:
        return;
      case StreamStatus::kWrongSize:
        throw InvalidArgument("a block of this stream has " + std::to_string(own.block()) +
                              " samples, found " + std::to_string(samples));
      case StreamStatus::kFailed:
        throw Error(own.error());
    }
  });
}

contentvec_status contentvec_stream_reset(contentvec_stream* stream) {
  return guarded([&] { needed(stream, "stream").stream.reset(); });
}

contentvec_status contentvec_stream_get_settings(const contentvec_stream* stream,
                                                 contentvec_stream_settings* settings) {
  return guarded(
      [&] { give(settings, "settings", settings_of(needed(stream, "stream").stream.settings())); });
}

contentvec_status contentvec_stream_set_settings(contentvec_stream* stream,
                                                 const contentvec_stream_settings* settings) {
  return guarded([&] { needed(stream, "stream").stream.set(settings_from(&needed(settings, "settings"))); });
}

contentvec_status contentvec_stream_set_voice(contentvec_stream* stream, const contentvec_voice* voice,
                                              const contentvec_index* index) {
  return guarded([&] {
    needed(stream, "stream").stream.set_voice(needed(voice, "voice").voice, c::retriever_of(index));
  });
}

contentvec_status contentvec_stream_get_stats(const contentvec_stream* stream,
                                              contentvec_stream_stats* stats) {
  return guarded([&] {
    const StreamStats own = needed(stream, "stream").stream.stats();
    give(stats, "stats",
         contentvec_stream_stats{.size = 0,
                                 .blocks = own.blocks,
                                 .failed = own.failed,
                                 .underruns = own.underruns,
                                 .last_ms = own.last_ms,
                                 .mean_ms = own.mean_ms,
                                 .p99_ms = own.p99_ms,
                                 .worst_ms = own.worst_ms,
                                 .sola_offset = own.sola_offset,
                                 .input_level = own.input_level,
                                 .output_level = own.output_level,
                                 .f0 = own.f0});
  });
}
