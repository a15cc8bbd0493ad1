#include "cli/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
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
#include "cli/inputs.h"
#include "cli/picture.h"
#include "cli/recordings.h"
#include "cli/voice_parts.h"
#include "contentvec/converter.h"

namespace contentvec::cli {
namespace {

struct ConvertArguments : VoiceArguments {
  RecordingArguments recordings;
  std::string voice;
  std::string f0;
  int64_t nprobe = 0;
  double crossfade = 0;
  std::string channels = "mono";
  std::string channel_pitch;
  int rate = 0;
  std::string encoding = "pcm16";
  std::string plot;
  std::string preset;
};

// Without a mark a.wav in the current directory would become itself.
const Output kConverted = {
    .what = "the conversion", .option = "--out", .formats = {"wav", "flac"}, .mark = ".converted"};
const std::map<std::string, AudioContainer> kContainers = {{"wav", AudioContainer::kWav},
                                                           {"flac", AudioContainer::kFlac}};
const std::map<std::string, AudioEncoding> kEncodings = {
    {"pcm16", AudioEncoding::kPcm16}, {"pcm24", AudioEncoding::kPcm24}, {"float", AudioEncoding::kFloat}};

/// What another program does where nothing is said.
const std::map<std::string, ConvertOptions> kPresets = {
    {"", {}},
    {"rvc-webui", {.rms_mix_rate = 0.25F}},
    {"applio", {.protect = 0.5F, .unvoiced = Unvoiced::kKeep}},
    {"mlx-rvc", {.index_rate = 0.5F, .protect = 0.5F, .unvoiced = Unvoiced::kKeep}}};

void check_arguments(const ConvertArguments& arguments) {
  if (!arguments.channel_pitch.empty() && arguments.channels != "each")
    throw UsageError("--channel-pitch is about --channels each, which is not given");
  if (!arguments.f0.empty() && !is_one_file(arguments.recordings.inputs))
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
  if (!arguments.unvoiced.empty()) options.unvoiced = unvoiced_of(arguments.unvoiced);
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

/// Says what the estimator would do if there were one.
void warn_beside_f0(const ConvertArguments& arguments) {
  constexpr const char* kGiven = "--f0 is the pitch";
  warn_if_idle("--pitch-method", !arguments.pitch_method.empty(), kGiven);
  warn_if_idle("--pitch-model", !arguments.pitch_model.empty(), kGiven);
  warn_if_idle("--pitch-threshold", arguments.threshold.has_value(), kGiven);
  warn_if_idle("--channel-pitch own", arguments.channel_pitch == "own", kGiven);
}

/// Loads everything, what is small first, so that what is wrong is known soon. `f0` must outlive the result.
Conversion prepare(const ConvertArguments& arguments, const std::vector<float>& f0,
                   AudioContainer container) {
  ConvertOptions options = options_of(arguments);
  options.f0 = f0;
  Speaker speaker = load_speaker(arguments.voice, arguments, options.index_rate);
  const VoiceInfo& info = speaker.voice.info();
  warn_of_idle_options(arguments, info, speaker.index.has_value());
  if (!speaker.index) warn_if_idle("--nprobe", arguments.nprobe > 0, kWithoutIndex);
  if (!info.pitch) warn_if_idle("--f0", !arguments.f0.empty(), kWithoutPitch);
  std::optional<PitchEstimator> estimator;
  if (arguments.f0.empty())
    estimator = load_estimator(arguments, info);
  else if (info.pitch)
    warn_beside_f0(arguments);
  const ConvertedFile file = {.container = container,
                              .encoding = kEncodings.at(arguments.encoding),
                              .rate = options.output_rate != 0 ? options.output_rate : info.sample_rate};
  return {.converter = Converter(load_model(arguments, info), std::move(estimator), speaker.voice,
                                 std::move(speaker.retriever)),
          .options = options,
          .each_channel = arguments.channels == "each",
          .shared_pitch = arguments.channel_pitch != "own",
          .file = file,
          .index = speaker.index,
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
    decoding.check_existing = [&conversion](const Job& job) { check_existing(conversion, job); };
  }
  prepare_folders(plan.jobs);
  return carry_out(plan, arguments, decoding,
                   [&](Recording& recording, const std::function<void(double)>& done) {
                     return convert_recording(conversion, recording, done);
                   });
}

void add_voice(Options& options, std::string& voice) {
  options
      .add(
          "--voice", voice,
          "The voice: a .pth of RVC or Applio, mlx-rvc's safetensors, a folder or .zip with one voice in it, or one of "
          "the hub. An added_*.index in the folder, .zip or repository is used, too",
          "FILE")
      ->required();
}

void add_own(Options& options, ConvertArguments& a) {
  options.add(
      "--f0", a.f0,
      "Take the pitch from this file instead, which has one value for each 10 ms, as `contentvec pitch` "
      "writes it",
      "FILE.csv|npy");
  options
      .add("--nprobe", a.nprobe,
           "Lists of the index that are searched for each frame (default: as it says, 1 in RVC's)", "N")
      ->check(number_in(int64_t{1}, int64_t{1} << 30));
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
}

}  // namespace

Command add_convert(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("convert", "Convert audio files to another voice");
  const auto a = std::make_shared<ConvertArguments>();
  Options options(*parser);
  add_voice(options, a->voice);
  add_voice_parts(options, *a);
  add_recordings(*parser, a->recordings, kConverted);
  add_pitch(options, *a);
  add_retrieval(options, *a, "0.33");
  add_sound(options, *a, 24);
  add_own(options, *a);
  add_seed(options, *a, "another each time; the manifest has it");
  add_output(options, *a);
  add_speed(options, *a);
  options
      .add(
          "--device", a->device,
          "Where content features are computed: cpu (default), mlx, gpu or auto; pitch, the synthesizer and the rest "
          "run on the CPU",
          "DEVICE")
      ->check(is_device());
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
