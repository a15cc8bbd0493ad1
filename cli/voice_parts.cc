#include "cli/voice_parts.h"

#include <fmt/format.h>

#include <limits>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/download_bar.h"
#include "cli/fail.h"
#include "cli/pitch_model.h"

namespace contentvec::cli {
namespace {

constexpr const char* kModelForV1 = "rvc-hubert-base";  // kDefaultModel has no final_proj

/// Where the index is that features are drawn towards: the one given, else the voice's own; nothing where that is not
/// wanted.
std::optional<std::string> index_of(const VoiceArguments& arguments, const VoiceSource& voice,
                                    float index_rate) {
  if (arguments.index == kNoIndex || index_rate == 0) return std::nullopt;
  if (!arguments.index.empty()) return arguments.index;
  if (voice.index) {
    note_line(fmt::format("contentvec: note: the voice's index is used: {} (--index none leaves it out)",
                          shown(*voice.index)));
  }
  return voice.index;
}

std::optional<Retriever> open_index(const std::optional<std::string>& index, bool is_found) {
  if (!index) return std::nullopt;
  try {
    return Retriever::open(*index);
  } catch (const Error& error) {
    if (!is_found) throw;
    fail("{}\nIt was found beside the voice; --index none converts without it", error.what());
  }
}

Voice load_voice(const VoiceArguments& arguments, const std::string& path) {
  Voice voice = Voice::load(path, {.threads = arguments.threads,
                                   .dtype = dtype_from_name(arguments.dtype),
                                   .hub = hub_options(),
                                   .sample_rate = arguments.voice_rate});
  warning_lines(voice.info().warnings);
  if (arguments.speaker >= voice.info().speakers) {
    fail("--speaker {}: this voice has {}, numbered from 0: {}", arguments.speaker, voice.info().speakers,
         voice.info().source);
  }
  return voice;
}

}  // namespace

Speaker load_speaker(const std::string& spec, const VoiceArguments& arguments, float index_rate) {
  const VoiceSource source = find_voice(spec, hub_options());
  warning_lines(source.warnings);
  Voice voice = load_voice(arguments, source.voice);
  std::optional<std::string> index = index_of(arguments, source, index_rate);
  std::optional<Retriever> retriever = open_index(index, arguments.index.empty());
  return {std::move(voice), std::move(index), std::move(retriever)};
}

Model load_model(const VoiceArguments& arguments, const VoiceInfo& voice) {
  const std::string standard = voice.version == "v1" ? kModelForV1 : kDefaultModel;
  LoadOptions options = Compute{arguments.dtype, arguments.device}.options(arguments.threads);
  options.hub = hub_options();
  Model model = Model::load(arguments.model.empty() ? standard : arguments.model, options);
  warning_lines(model.info().warnings);
  if (model.device() != Device::kCpu) {
    note_line(fmt::format(
        "contentvec: note: content features run on {}; pitch, the synthesizer and the rest on the CPU",
        device_name(model.device())));
  }
  return model;
}

std::optional<PitchEstimator> load_estimator(const VoiceArguments& arguments, const VoiceInfo& voice) {
  if (!voice.pitch) return std::nullopt;
  return load_pitch_model(
      {"--pitch-method", arguments.pitch_method, arguments.pitch_model},
      {.threads = arguments.threads, .dtype = dtype_from_name(arguments.dtype), .hub = hub_options()});
}

Unvoiced unvoiced_of(const std::string& name) {
  return name == "keep" ? Unvoiced::kKeep : Unvoiced::kInterpolate;
}

void warn_if_idle(const char* option, bool is_given, const char* why) {
  if (is_given) warning_line(fmt::format("{} has no effect: {}", option, why));
}

void warn_of_idle_options(const VoiceArguments& arguments, const VoiceInfo& voice, bool has_index) {
  if (!has_index) {
    warn_if_idle("--index-rate", arguments.index_rate.value_or(0) > 0, kWithoutIndex);
    warn_if_idle("--protect", arguments.protect.has_value(), kWithoutIndex);
  }
  if (!voice.pitch) {
    warn_if_idle("--key", arguments.key != 0, kWithoutPitch);
    warn_if_idle("--unvoiced", !arguments.unvoiced.empty(), kWithoutPitch);
    warn_if_idle("--pitch-method", !arguments.pitch_method.empty(), kWithoutPitch);
    warn_if_idle("--pitch-model", !arguments.pitch_model.empty(), kWithoutPitch);
    warn_if_idle("--pitch-threshold", arguments.threshold.has_value(), kWithoutPitch);
  }
}

void add_voice_parts(Options& options, VoiceArguments& a) {
  options
      .add("--voice-rate", a.voice_rate,
           "Samples per second of a training checkpoint (G_*.pth), which does not say: 32000, 40000 or 48000",
           "HZ")
      ->check(number_in(1000, 384000));
  options.add("--speaker", a.speaker, "Which of the voice's speakers, from 0 (default: 0)", "N")
      ->check(number_in(int64_t{0}, int64_t{1} << 30));
  options.add(
      "--model", a.model,
      fmt::format(
          "The model of content features, as extract takes it. Default: {}; {} for voices of version 1",
          kDefaultModel, kModelForV1),
      "SPEC");
}

void add_pitch(Options& options, VoiceArguments& a) {
  options
      .add("--key", a.key, "Shift the pitch by so many semitones (default: 0); 12 for man to woman",
           "SEMITONES")
      ->check(number_in(-48.0, 48.0));
  options
      .add(
          "--pitch-method", a.pitch_method,
          "The pitch estimator: rmvpe (default), which is downloaded once; or fcpe, several times as fast, which the "
          "Python package torchfcpe carries",
          "NAME")
      ->check(one_of({"rmvpe", "fcpe"}));
  options.add("--pitch-model", a.pitch_model, "A file with the estimator's weights, as pitch takes it",
              "SPEC");
  options
      .add("--pitch-threshold", a.threshold,
           "A frame is voiced above this salience, 0 to 1 (default: 0.03 for rmvpe, 0.006 for fcpe)", "T")
      ->check(number_in(0.0001, 0.9999));
  options
      .add(
          "--unvoiced", a.unvoiced,
          "What frames without pitch are: interpolate (default: between their neighbours), or keep (without)",
          "WHAT")
      ->check(one_of({"interpolate", "keep"}));
}

void add_retrieval(Options& options, VoiceArguments& a, const char* protect) {
  options.add(
      "--index", a.index,
      "Draw the features towards the nearest of this index's vectors (RVC's added_*.index); none: not towards "
      "the voice's own either",
      "FILE|none");
  options
      .add("--index-rate", a.index_rate,
           "How much of the features comes from the index, 0 to 1 (default: 0.75; 0: no index)", "RATE")
      ->check(number_in(0.0, 1.0));
  options
      .add("--protect", a.protect,
           fmt::format(
               "How much of what the index changes stays in frames without pitch, 0 to 0.5, which is all "
               "(default: {})",
               protect),
           "P")
      ->check(number_in(0.0, 0.5));
}

void add_sound(Options& options, VoiceArguments& a, double semitones) {
  options
      .add("--rms-mix-rate", a.rms_mix_rate,
           "Loudness: 1 as the voice has it (default), 0 as the recording, or between", "R")
      ->check(number_in(0.0, 1.0));
  options.add("--formant", a.formant, "Shift the formants by so many semitones (default: 0)", "SEMITONES")
      ->check(number_in(-semitones, semitones));
}

void add_seed(Options& options, VoiceArguments& a, const char* standard) {
  options
      .add("--seed", a.seed,
           fmt::format("Of the noise in a voice: the same gives the same samples (default: {})", standard),
           "N")
      ->check(number_in(uint64_t{0}, std::numeric_limits<uint64_t>::max()));
}

void add_speed(Options& options, VoiceArguments& a) {
  options
      .add(
          "--dtype", a.dtype,
          "What weights are kept in and products computed from: f32 (default); bf16: half the memory, faster where "
          "the processor has an instruction for it, about three digits",
          "TYPE")
      ->check(one_of({"f32", "bf16"}));
  options.add("--threads", a.threads, "Threads of one conversion (default: one per CPU)", "N")
      ->check(number_in(0, kMaxThreads));
}

}  // namespace contentvec::cli
