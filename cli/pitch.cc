#include "cli/pitch.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "cli/fail.h"
#include "cli/picture.h"
#include "cli/pitch_model.h"
#include "cli/pitch_output.h"
#include "cli/recordings.h"
#include "cli/training.h"
#include "contentvec/pitch.h"

namespace contentvec::cli {
namespace {

struct PitchArguments {
  RecordingArguments recordings;
  std::string method;
  std::string model;
  std::optional<double> threshold;
  std::string unvoiced;
  double key = 0;
  std::string plot;
  std::string preset;
  std::string dtype = "f32";
  std::string device = "cpu";
  int threads = 0;
};

const Output kPitch = {.what = "the pitch", .option = "--out", .formats = {"npy", "csv"}};
const std::map<std::string, PitchFormat> kPitchFormats = {{"npy", PitchFormat::kNpy},
                                                          {"csv", PitchFormat::kCsv}};
constexpr const char* kInterpolate = "interpolate";

/// train/dataset/extract_f0.py of RVC's WebUI
const std::string kRvc = "rvc";
const TrainingStep kRvcStep = {.program = "RVC",
                               .wavs = "1_16k_wavs",
                               .outputs = {"2a_f0", "2b-f0nsf"},
                               .keeps_ending = true,
                               .passed_over = "spec"};

void check_arguments(const PitchArguments& arguments) {
  check_cpu_device(arguments.device, "pitch");
  if (arguments.threshold && !(*arguments.threshold > 0 && *arguments.threshold < 1)) {
    throw UsageError(fmt::format("--threshold {}: give a number above 0 and below 1", *arguments.threshold));
  }
  if (!arguments.preset.empty()) {
    check_training_options(arguments.preset, kRvcStep, arguments.recordings,
                           {{"--threshold", arguments.threshold.has_value()},
                            {"--unvoiced", !arguments.unvoiced.empty()},
                            {"--key", arguments.key != 0},
                            {"--plot", !arguments.plot.empty()}});
  }
  const bool binary = arguments.recordings.format != "csv";
  check_standard_output(arguments.recordings, kPitch, binary);
}

Plan plan_of(const PitchArguments& arguments) {
  PlanOptions options = plan_options(arguments.recordings, kPitch);
  options.keep = {arguments.model};
  options.beside = {pictures(arguments.plot)};
  const std::vector<std::string>& inputs = arguments.recordings.inputs;
  return arguments.preset.empty() ? make_plan(inputs, options)
                                  : make_training_plan(inputs.front(), arguments.preset, kRvcStep, options);
}

int run(const PitchArguments& arguments) {
  check_arguments(arguments);
  const Plan plan = plan_of(arguments);
  announce(plan, arguments.recordings);
  const PitchEstimator estimator = load_pitch_model(
      {"--method", arguments.method, arguments.model},
      {.threads = arguments.threads, .dtype = dtype_from_name(arguments.dtype), .hub = hub_options()});
  const bool for_rvc = !arguments.preset.empty();
  const PitchOutput output = {.format = kPitchFormats.at(plan.format),
                              .interpolate = for_rvc || arguments.unvoiced == kInterpolate,
                              .key = arguments.key,
                              .for_rvc = for_rvc,
                              .method = std::string(pitch_method_name(estimator.method())),
                              .plot = !arguments.plot.empty()};
  const Work work = [&](Recording& recording, const std::function<void(double)>& done) -> Write {
    const auto progress = [&done](int64_t frames, int64_t all) {
      done(static_cast<double>(frames) / static_cast<double>(all));
    };
    Pitch pitch =
        estimator.estimate(recording.waveform, {.threshold = arguments.threshold, .progress = progress});
    return [&output, job = recording.job, pitch = std::move(pitch),
            waveform = std::move(recording.waveform)] { return write_output(output, *job, pitch, waveform); };
  };
  Decoding::Options decoding = {.threads = decoding_threads()};
  if (for_rvc || arguments.recordings.skip_existing)
    decoding.check_existing = [&output](const Job& job) { check_existing(output, job); };
  prepare_folders(plan.jobs);
  Report report(plan.jobs.size(), arguments.recordings.json);
  each_recording(plan.jobs, decoding, work, report);
  return report.finish();
}

}  // namespace

Command add_pitch(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("pitch", "Estimate the pitch of audio files, in Hz for each 10 ms");
  const auto a = std::make_shared<PitchArguments>();
  Options options(*parser);
  options
      .add(
          "--method", a->method,
          "The estimator: rmvpe (default), which is downloaded once; or fcpe, several times as fast, which the "
          "Python package torchfcpe carries",
          "NAME")
      ->check(one_of({"rmvpe", "fcpe"}));
  options.add(
      "--pitch-model", a->model,
      "A file with the estimator's weights: rmvpe.pt, fcpe.pt, torchfcpe's wheel; or a file of the hub",
      "SPEC");
  add_recordings(*parser, a->recordings, kPitch);
  options
      .add("--preset", a->preset,
           "rvc: what RVC's own step writes, 2a_f0 and 2b-f0nsf in an experiment's directory", "NAME")
      ->check(one_of({kRvc}));
  options
      .add("--threshold", a->threshold,
           "A frame is voiced above this salience, 0 to 1 (default: 0.03 for rmvpe, 0.006 for fcpe)", "T")
      ->check(number_in(0.0, 1.0));
  options
      .add("--unvoiced", a->unvoiced,
           "What frames without pitch are: keep (default: 0), or interpolate (between their neighbours)",
           "WHAT")
      ->check(one_of({"keep", kInterpolate}));
  options.add("--key", a->key, "Shift the pitch by so many semitones (default: 0)", "SEMITONES")
      ->check(number_in(-48.0, 48.0));
  options.add(
      "--plot", a->plot,
      "Also draw the pitch that was estimated over the recording's spectrogram: a .png or .svg file for one input, "
      "else a directory",
      "PATH");
  options
      .add("--dtype", a->dtype, "What weights are kept in and products computed from: f32 (default) or bf16",
           "TYPE")
      ->check(one_of({"f32", "bf16"}));
  add_cpu_device(*parser, a->device, "pitch");
  options.add("--threads", a->threads, "Threads of one estimate (default: one per CPU)", "N")
      ->check(number_in(0, kMaxThreads));
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
