#include "cli/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/conversion.h"
#include "cli/download_bar.h"
#include "cli/fail.h"
#include "cli/folder.h"
#include "cli/inputs.h"
#include "cli/picture.h"
#include "cli/pitch_model.h"
#include "cli/recordings.h"
#include "contentvec/converter.h"

namespace contentvec::cli {
namespace {

struct ConvertArguments {
  RecordingArguments recordings;
  std::string voice;
  std::optional<int> voice_rate;
  std::string model;
  std::string pitch_method;
  std::string pitch_model;
  std::optional<double> threshold;
  std::string f0;
  double key = 0;
  int64_t speaker = 0;
  std::string index;
  std::optional<float> index_rate;
  int64_t nprobe = 0;
  std::optional<float> protect;
  std::optional<float> rms_mix_rate;
  std::string unvoiced;
  double formant = 0;
  double crossfade = 0;
  std::string channels = "mono";
  std::string channel_pitch;
  std::optional<uint64_t> seed;
  int rate = 0;
  std::string encoding = "pcm16";
  std::string plot;
  std::string preset;
  std::string dtype = "f32";
  int threads = 0;
};

// Without a mark a.wav in the current directory would become itself.
const Output kConverted = {
    .what = "the conversion", .option = "--out", .formats = {"wav", "flac"}, .mark = ".converted"};
const std::map<std::string, AudioContainer> kContainers = {{"wav", AudioContainer::kWav},
                                                           {"flac", AudioContainer::kFlac}};
const std::map<std::string, AudioEncoding> kEncodings = {
    {"pcm16", AudioEncoding::kPcm16}, {"pcm24", AudioEncoding::kPcm24}, {"float", AudioEncoding::kFloat}};
const std::map<std::string, Unvoiced> kUnvoiced = {{"interpolate", Unvoiced::kInterpolate},
                                                   {"keep", Unvoiced::kKeep}};
constexpr const char* kNoIndex = "none";
constexpr const char* kModelForV1 = "rvc-hubert-base";  // kDefaultModel has no final_proj

/// What another program does where nothing is said.
const std::map<std::string, ConvertOptions> kPresets = {
    {"", {}},
    {"rvc-webui", {.rms_mix_rate = 0.25F}},
    {"applio", {.protect = 0.5F, .unvoiced = Unvoiced::kKeep}},
    {"mlx-rvc", {.index_rate = 0.5F, .protect = 0.5F, .unvoiced = Unvoiced::kKeep}}};

void check_arguments(const ConvertArguments& arguments) {
  if (!arguments.channel_pitch.empty() && arguments.channels != "each")
    throw UsageError("--channel-pitch is about --channels each, which is not given");
  const std::vector<std::string>& inputs = arguments.recordings.inputs;
  const bool several = inputs.size() > 1 || is_a_directory(inputs.front()) || is_list(inputs.front());
  if (!arguments.f0.empty() && several)
    throw UsageError("--f0 is the pitch of one recording: name one file to convert");
  check_standard_output(arguments.recordings, kConverted, true);
}

ConvertOptions options_of(const ConvertArguments& arguments) {
  ConvertOptions options = kPresets.at(arguments.preset);
  options.key = arguments.key;
  options.speaker = arguments.speaker;
  options.index_rate = arguments.index_rate.value_or(options.index_rate);
  options.nprobe = arguments.nprobe;
  options.protect = arguments.protect.value_or(options.protect);
  options.rms_mix_rate = arguments.rms_mix_rate.value_or(options.rms_mix_rate);
  if (!arguments.unvoiced.empty()) options.unvoiced = kUnvoiced.at(arguments.unvoiced);
  options.pitch_threshold = arguments.threshold;
  options.formant = arguments.formant;
  options.crossfade_ms = arguments.crossfade;
  options.seed = arguments.seed ? *arguments.seed : std::random_device()();
  options.output_rate = arguments.rate;
  return options;
}

Plan plan_of(const ConvertArguments& arguments) {
  PlanOptions options = plan_options(arguments.recordings, kConverted);
  options.beside = {pictures(arguments.plot)};
  options.keep = {arguments.voice, arguments.model, arguments.pitch_model, arguments.index, arguments.f0};
  Plan plan = make_plan(arguments.recordings.inputs, options);
  if (plan.format == "flac" && arguments.encoding == "float")
    throw UsageError("--encoding float is for WAV: FLAC holds whole numbers, pcm16 or pcm24");
  return plan;
}

/// Says what was given to no effect.
void warn_of_idle_options(const ConvertArguments& arguments, const VoiceInfo& voice, bool has_index) {
  const std::vector<std::pair<const char*, bool>> of_index = {
      {"--index-rate", arguments.index_rate.value_or(0) > 0},
      {"--nprobe", arguments.nprobe > 0},
      {"--protect", arguments.protect.has_value()}};
  const std::vector<std::pair<const char*, bool>> of_pitch = {
      {"--key", arguments.key != 0},
      {"--f0", !arguments.f0.empty()},
      {"--unvoiced", !arguments.unvoiced.empty()},
      {"--pitch-method", !arguments.pitch_method.empty()},
      {"--pitch-model", !arguments.pitch_model.empty()},
      {"--pitch-threshold", arguments.threshold.has_value()}};
  for (const auto& [option, given] : of_index)
    if (given && !has_index)
      warning_line(fmt::format("{} has no effect: there is no index for this voice", option));
  for (const auto& [option, given] : of_pitch)
    if (given && !voice.pitch)
      warning_line(fmt::format("{} has no effect: this voice takes no pitch", option));
}

/// Where the index is that features are drawn towards: the one given, else the voice's own; nothing where that is not
/// wanted.
std::optional<std::string> index_of(const ConvertArguments& arguments, const VoiceSource& voice,
                                    float index_rate) {
  if (arguments.index == kNoIndex || index_rate == 0) return std::nullopt;
  if (!arguments.index.empty()) return arguments.index;
  if (voice.index) {
    note_line(fmt::format("contentvec: note: the voice's index is used: {} (--index none leaves it out)",
                          *voice.index));
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

Voice load_voice(const ConvertArguments& arguments, const std::string& path) {
  Voice voice = Voice::load(path, {.threads = arguments.threads,
                                   .dtype = dtype_from_name(arguments.dtype),
                                   .hub = hub_options(),
                                   .sample_rate = arguments.voice_rate});
  for (const std::string& warning : voice.info().warnings) warning_line(warning);
  if (arguments.speaker >= voice.info().speakers) {
    fail("--speaker {}: this voice has {}, numbered from 0: {}", arguments.speaker, voice.info().speakers,
         voice.info().source);
  }
  return voice;
}

Model load_model(const ConvertArguments& arguments, const VoiceInfo& voice) {
  const std::string standard = voice.version == "v1" ? kModelForV1 : kDefaultModel;
  LoadOptions options = {.threads = arguments.threads, .dtype = dtype_from_name(arguments.dtype)};
  options.hub = hub_options();
  Model model = Model::load(arguments.model.empty() ? standard : arguments.model, options);
  for (const std::string& warning : model.info().warnings) warning_line(warning);
  return model;
}

std::optional<PitchEstimator> load_estimator(const ConvertArguments& arguments, const VoiceInfo& voice) {
  if (!voice.pitch || !arguments.f0.empty()) return std::nullopt;
  return load_pitch_model(
      {"--pitch-method", arguments.pitch_method, arguments.pitch_model},
      {.threads = arguments.threads, .dtype = dtype_from_name(arguments.dtype), .hub = hub_options()});
}

/// Loads everything, what is small first, so that what is wrong is known soon. `f0` must outlive the result.
Conversion prepare(const ConvertArguments& arguments, const std::vector<float>& f0,
                   AudioContainer container) {
  ConvertOptions options = options_of(arguments);
  options.f0 = f0;
  const VoiceSource source = find_voice(arguments.voice, hub_options());
  for (const std::string& warning : source.warnings) warning_line(warning);
  const Voice voice = load_voice(arguments, source.voice);
  const VoiceInfo& info = voice.info();
  const std::optional<std::string> index = index_of(arguments, source, options.index_rate);
  std::optional<Retriever> retriever = open_index(index, arguments.index.empty());
  warn_of_idle_options(arguments, info, index.has_value());
  std::optional<PitchEstimator> estimator = load_estimator(arguments, info);
  const ConvertedFile file = {.container = container,
                              .encoding = kEncodings.at(arguments.encoding),
                              .rate = options.output_rate != 0 ? options.output_rate : info.sample_rate};
  return {
      .converter = Converter(load_model(arguments, info), std::move(estimator), voice, std::move(retriever)),
      .options = options,
      .shared_pitch = arguments.channel_pitch != "own",
      .file = file,
      .index = index,
      .plot = !arguments.plot.empty()};
}

/// Whether there is an input to read: loading everything is not worth it for a path that was mistyped.
bool has_input(const Plan& plan) {
  return std::any_of(plan.jobs.begin(), plan.jobs.end(), [](const Job& job) {
    std::error_code ignored;
    return job.problem.empty() && (job.input == "-" || std::filesystem::exists(job.input, ignored));
  });
}

int carry_out(const Plan& plan, const ConvertArguments& arguments, const Decoding::Options& decoding,
              const Work& work) {
  Report report(plan.jobs.size(), arguments.recordings.json);
  each_recording(plan.jobs, decoding, work, report);
  return report.finish();
}

int run(const ConvertArguments& arguments) {
  check_arguments(arguments);
  const Plan plan = plan_of(arguments);
  announce(plan, arguments.recordings);
  Decoding::Options decoding = {.threads = decoding_threads(), .each_channel = arguments.channels == "each"};
  if (!has_input(plan)) return carry_out(plan, arguments, decoding, {});
  const std::vector<float> f0 = arguments.f0.empty() ? std::vector<float>() : read_pitch(arguments.f0);
  const Conversion conversion = prepare(arguments, f0, kContainers.at(plan.format));
  detail_line(
      fmt::format("contentvec: note: the seed of the noise is {}; --seed {} gives the same samples again",
                  conversion.options.seed, conversion.options.seed));
  if (arguments.recordings.skip_existing) {
    decoding.unlike_expected = [&conversion](const Job& job) { return unlike_expected(conversion, job); };
  }
  prepare_folders(plan.jobs);
  return carry_out(plan, arguments, decoding,
                   [&](Recording& recording, const std::function<void(double)>& done) {
                     return convert_recording(conversion, recording, done);
                   });
}

/// Declares options with the text of their values.
class Options {
 public:
  explicit Options(CLI::App& parser) : parser_(parser) {}

  template <typename Value>
  CLI::Option* add(const std::string& name, Value& value, const std::string& text,
                   const std::string& value_text) {
    return parser_.add_option(name, value, text)->option_text(value_text);
  }

 private:
  CLI::App& parser_;
};

void add_voice(Options& options, ConvertArguments& a) {
  options
      .add(
          "--voice", a.voice,
          "The voice: a .pth of RVC or Applio, mlx-rvc's safetensors, a folder or .zip with one voice in it, or one of "
          "the hub. An added_*.index in the folder, .zip or repository is used, too",
          "FILE")
      ->required();
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

void add_pitch_options(Options& options, ConvertArguments& a) {
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
  options.add(
      "--f0", a.f0,
      "Take the pitch from this file instead, which has one value for each 10 ms, as `contentvec pitch` "
      "writes it",
      "FILE.csv|npy");
}

void add_retrieval(Options& options, ConvertArguments& a) {
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
      .add("--nprobe", a.nprobe,
           "Lists of the index that are searched for each frame (default: as it says, 1 in RVC's)", "N")
      ->check(number_in(int64_t{1}, int64_t{1} << 30));
  options
      .add(
          "--protect", a.protect,
          "How much of what the index changes stays in frames without pitch, 0 to 0.5, which is all (default: 0.33)",
          "P")
      ->check(number_in(0.0, 0.5));
}

void add_sound(Options& options, ConvertArguments& a) {
  options
      .add("--rms-mix-rate", a.rms_mix_rate,
           "Loudness: 1 as the voice has it (default), 0 as the recording, or between", "R")
      ->check(number_in(0.0, 1.0));
  options.add("--formant", a.formant, "Shift the formants by so many semitones (default: 0)", "SEMITONES")
      ->check(number_in(-24.0, 24.0));
  options
      .add("--crossfade", a.crossfade,
           "Blend the pieces of a long recording over so many milliseconds (default: 0: hard cuts, as RVC's)",
           "MS")
      ->check(number_in(0.0, 500.0));
  options
      .add("--channels", a.channels, "Convert the mean of the channels, mono (default), or each of them",
           "WHICH")
      ->check(one_of({"mono", "each"}));
  options
      .add(
          "--channel-pitch", a.channel_pitch,
          "With --channels each: they share the pitch of their mean, shared (default), or each has its own, own",
          "WHOSE")
      ->check(one_of({"shared", "own"}));
  options
      .add(
          "--seed", a.seed,
          "Of the noise in a voice: the same gives the same samples (default: another each time; the manifest has it)",
          "N")
      ->check(number_in(uint64_t{0}, std::numeric_limits<uint64_t>::max()));
}

void add_output(Options& options, ConvertArguments& a) {
  options.add("--rate", a.rate, "Samples per second of the output (default: the voice's)", "HZ")
      ->check(number_in(1000, 655350));
  options
      .add(
          "--encoding", a.encoding,
          "pcm16 (default) or pcm24, turned down as RVC does where it would clip; or float, as it is before that",
          "TYPE")
      ->check(one_of({"pcm16", "pcm24", "float"}));
  options.add(
      "--plot", a.plot,
      "Also draw the spectrograms of recording and result with their pitch: a .png or .svg file for one input, "
      "else a directory",
      "PATH");
  options
      .add(
          "--preset", a.preset,
          "Another program's defaults: rvc-webui (--rms-mix-rate 0.25), applio (--protect 0.5 --unvoiced keep), "
          "mlx-rvc (--index-rate 0.5 --protect 0.5 --unvoiced keep). What is given besides counts",
          "NAME")
      ->check(one_of({"rvc-webui", "applio", "mlx-rvc"}));
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

}  // namespace

Command add_convert(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("convert", "Convert audio files to another voice");
  const auto a = std::make_shared<ConvertArguments>();
  Options options(*parser);
  add_voice(options, *a);
  add_recordings(*parser, a->recordings, kConverted);
  add_pitch_options(options, *a);
  add_retrieval(options, *a);
  add_sound(options, *a);
  add_output(options, *a);
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
