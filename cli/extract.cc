#include "cli/extract.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "cli/existing.h"
#include "cli/fail.h"
#include "cli/picture.h"
#include "cli/pipeline.h"
#include "cli/plan.h"
#include "cli/recordings.h"
#include "cli/report.h"
#include "cli/training.h"
#include "cli/unit_extraction.h"
#include "contentvec/audio.h"
#include "contentvec/feature_file.h"
#include "contentvec/model.h"
#include "contentvec/retriever.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

struct ExtractArguments {
  RecordingArguments recordings;
  UnitArguments units;
  std::string model = kDefaultModel;
  std::string config;
  std::string layer;
  bool final_proj = false;
  std::string normalize = "auto";
  std::string speaker_embedding;
  std::string index;
  float index_rate = kIndexRate;
  int64_t nprobe = 0;
  std::string preset;
  int repeat = 1;
  std::optional<double> max_seconds;
  double overlap = 0;
  double batch_seconds = 30;
  std::string plot;
  int threads = 0;
  Compute compute;
};

const Output kFeatures = {.what = "the features", .option = "--out", .formats = {"npy", "safetensors"}};
// As the options name them, with those of units.
const Output kDeclared = {
    .what = "the features", .option = "--out", .formats = {"npy", "safetensors", "units", "txt"}};

/// bshall's HuBERT-Soft: padded so that every hop of the waveform gets a frame.
constexpr const char* kSoftVc = "soft-vc";

int64_t soft_vc_padding(const ModelConfig& config) {
  return (config.receptive_field() - config.hop()) / 2;
}

const std::map<std::string, Normalize> kNormalize = {
    {"auto", Normalize::kAuto}, {"on", Normalize::kOn}, {"off", Normalize::kOff}};
const std::map<std::string, FeatureFormat> kFormats = {{"npy", FeatureFormat::kNpy},
                                                       {"safetensors", FeatureFormat::kSafetensors}};

/// What a program that trains voices extracts.
struct TrainingPreset {
  TrainingStep step;
  const char* layer;  ///< as --layer takes it
  bool final_proj;
  bool as_checkpoint_says;  ///< whether the waveform is normalised so; else never
};

const std::map<std::string, TrainingPreset> kTrainingPresets = {
    // train/dataset/extract_hubert_feature.py of RVC's WebUI
    {"rvc-v1", {{"RVC", "1_16k_wavs", {"3_feature256"}}, "9", true, true}},
    {"rvc-v2", {{"RVC", "1_16k_wavs", {"3_feature768"}}, "12", false, true}},
    // rvc/train/extract/extract.py of Applio: the embedder's last hidden state
    {"applio", {{"Applio", "sliced_audios_16k", {"extracted"}}, "", false, false}}};

/// --layer: one stage, or all blocks (which is known to be how many only once the model is).
struct Layers {
  bool all = false;
  int layer = kModelOutput;
};

Layers parse_layers(const std::string& text) {
  if (text.empty()) return {};
  if (text == "all") return {.all = true};
  if (text == "projected") return {.layer = kProjected};
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) {
    throw UsageError(fmt::format("--layer \"{}\": give a number from 1, \"all\" or \"projected\"", text));
  }
  return {.layer = number};
}

constexpr uintmax_t kLargestSpeakerEmbedding = uintmax_t{1} << 20;

std::vector<float> read_speaker_embedding(const std::string& path) {
  if (path.empty()) return {};
  std::error_code ignored;
  if (const auto bytes = fs::file_size(path, ignored); !ignored && bytes > kLargestSpeakerEmbedding) {
    fail("--speaker-embedding {}: it has {} bytes, and the largest that is read has {}: expected one vector",
         path, bytes, kLargestSpeakerEmbedding);
  }
  const FeatureFileInfo info = inspect_features(path, FeatureFormat::kNpy);
  if (info.frames != 1 || info.layers > 0) {
    fail("{}: a speaker embedding has the shape [width] or [1, width], this file's is [{}]", path,
         fmt::join(info.shape, ", "));
  }
  return read_features(path).data;
}

/// Throws Error, in the options' own words, for what the model does not have.
void check_stages(const Layers& layers, const ExtractArguments& arguments, const ModelConfig& config) {
  const int blocks = config.total_layers();
  if (layers.layer > blocks && !arguments.preset.empty()) {
    fail("--preset {} takes layer {}, and this model has {} blocks; give the model it is for",
         arguments.preset, layers.layer, blocks);
  }
  if (layers.layer > blocks) {
    fail("--layer {}: this model has {} blocks; give 1 to {}, \"all\" or \"projected\"", layers.layer, blocks,
         blocks);
  }
  if (arguments.final_proj && config.final_dim == 0) {
    fail("{}: this model has no final_proj; leave it out, or give the checkpoint that has one",
         arguments.preset.empty() ? "--final-proj" : "--preset " + arguments.preset);
  }
}

std::vector<Stage> stages_of(const Layers& layers, bool final_proj, const ModelConfig& config) {
  if (!layers.all) return {{layers.layer, final_proj}};
  std::vector<Stage> stages;
  for (int layer = 1; layer <= config.total_layers(); ++layer) stages.push_back({layer, final_proj});
  return stages;
}

int64_t dim_of(const Stage& stage, const ModelConfig& config) {
  return stage.final_proj ? config.final_dim : config.encoder_embed_dim;
}

/// The index of --index, once it is clear that it fits what will be extracted.
std::optional<Retriever> open_retriever(const ExtractArguments& arguments, const Stage& stage,
                                        const ModelConfig& config) {
  if (arguments.index.empty()) return std::nullopt;
  Retriever retriever = Retriever::open(arguments.index);
  const int64_t dim = dim_of(stage, config);
  if (retriever.dim() != dim) {
    fail(
        "--index {}: its vectors have {} dimensions, the features to extract {}: give the index made from "
        "the same layer and projection",
        arguments.index, retriever.dim(), dim);
  }
  return retriever;
}

std::map<std::string, std::string> metadata_of(const ExtractArguments& arguments, const Model& model) {
  const ModelConfig& config = model.config();
  std::map<std::string, std::string> metadata = {
      {"layer", arguments.layer.empty() ? "output" : arguments.layer},
      {"final_proj", arguments.final_proj ? "true" : "false"},
      {"normalize", normalises(config, kNormalize.at(arguments.normalize)) ? "on" : "off"},
      {"dtype", arguments.compute.dtype},
      {"sample_rate", fmt::format("{}", kSampleRate)},
      {"hop", fmt::format("{}", config.hop())},
      {"version", version()}};
  set_path(metadata, "model", model.info().source);
  if (!arguments.index.empty()) {
    set_path(metadata, "index", arguments.index);
    metadata["index_rate"] = fmt::format("{}", arguments.index_rate);
    if (arguments.nprobe > 0) metadata["nprobe"] = fmt::format("{}", arguments.nprobe);
  }
  return metadata;
}

Model load_model(const ExtractArguments& arguments) {
  LoadOptions options = arguments.compute.options(arguments.threads);
  options.config = read_config(arguments.config);
  options.hub = hub_options();
  Model model = Model::load(arguments.model, options);
  warning_lines(model.info().warnings);
  return model;
}

/// What the training presets do is their programs' to say.
void refuse_with_training(const ExtractArguments& arguments, const TrainingPreset& preset) {
  check_training_options(arguments.preset, preset.step, arguments.recordings,
                         {{"--layer", !arguments.layer.empty()},
                          {"--final-proj", arguments.final_proj},
                          {"--repeat", arguments.repeat != 1},
                          {"--max-seconds", arguments.max_seconds.has_value()},
                          {"--overlap", arguments.overlap != 0},
                          {"--index", !arguments.index.empty()},
                          {"--plot", !arguments.plot.empty()},
                          {"--units", !arguments.units.units.empty()},
                          {"--normalize", !preset.as_checkpoint_says && arguments.normalize != "auto"}});
}

/// The training preset of --preset, or null.
const TrainingPreset* training_preset(const ExtractArguments& arguments) {
  const auto preset = kTrainingPresets.find(arguments.preset);
  return preset == kTrainingPresets.end() ? nullptr : &preset->second;
}

/// The arguments with those of the preset filled in.
ExtractArguments with_preset(ExtractArguments arguments) {
  if (const TrainingPreset* preset = training_preset(arguments)) {
    refuse_with_training(arguments, *preset);
    arguments.layer = preset->layer;
    arguments.final_proj = preset->final_proj;
    arguments.recordings.skip_existing = true;
    arguments.max_seconds = 0;
    if (!preset->as_checkpoint_says) arguments.normalize = "off";
  }
  return arguments;
}

Plan plan_of(const ExtractArguments& arguments) {
  const bool units = !arguments.units.units.empty();
  PlanOptions options = plan_options(arguments.recordings, units ? kUnitLines : kFeatures);
  options.keep = {arguments.model, arguments.speaker_embedding, arguments.config, arguments.index};
  options.beside = {pictures(arguments.plot)};
  const std::vector<std::string>& inputs = arguments.recordings.inputs;
  if (units) return make_unit_plan(arguments.units, arguments.recordings, options);
  const TrainingPreset* preset = training_preset(arguments);
  return preset != nullptr ? make_training_plan(inputs.front(), arguments.preset, preset->step, options)
                           : make_plan(inputs, options);
}

/// Throws where what is there is not what would be written.
std::function<void(const Job&)> check_of(const Expected& expected,
                                         const std::optional<UnitOutputOptions>& units) {
  return [expected, units](const Job& job) {
    if (units) return check_existing(job, *units);
    check_existing(job.output, expected);
    for (const fs::path& picture : job.beside) check_picture(picture);
  };
}

int run(const ExtractArguments& given) {
  const ExtractArguments arguments = with_preset(given);
  const Layers layers = parse_layers(arguments.layer);
  if (layers.all && !arguments.index.empty()) {
    throw UsageError("--index is made of one layer's features: give that layer instead of --layer all");
  }
  check_unit_arguments(arguments.units, arguments.recordings,
                       {{"--layer all", layers.all},
                        {"--repeat", arguments.repeat != 1},
                        {"--plot", !arguments.plot.empty()}});
  const bool is_units = !arguments.units.units.empty();
  check_standard_output(arguments.recordings, is_units ? kUnitLines : kFeatures, !is_units);
  const Plan plan = plan_of(arguments);
  announce(plan, arguments.recordings);
  const std::vector<float> speaker = read_speaker_embedding(arguments.speaker_embedding);

  const Model model = load_model(arguments);
  check_stages(layers, arguments, model.config());
  const std::vector<Stage> stages = stages_of(layers, arguments.final_proj, model.config());
  ExtractOptions options;
  options.normalize = kNormalize.at(arguments.normalize);
  options.speaker_embedding = speaker;
  const int64_t dim = dim_of(stages.front(), model.config());
  std::optional<UnitOutputOptions> units;
  if (is_units) units = open_units(arguments.units, arguments.recordings, plan, dim);
  const FeatureFormat format = is_units ? FeatureFormat::kNpy : kFormats.at(plan.format);
  const Expected expected = {.format = format,
                             .arrays = layers.all ? static_cast<int64_t>(stages.size()) : 0,
                             .dim = dim,
                             .repeat = arguments.repeat};
  const Extraction extraction = {
      .model = model,
      .options = options,
      .stages = stages,
      .long_audio = {.max_seconds = arguments.max_seconds.value_or(LongAudioOptions{}.max_seconds),
                     .overlap_seconds = arguments.overlap},
      .batch_seconds = arguments.batch_seconds,
      .retriever = open_retriever(arguments, stages.front(), model.config()),
      .index_rate = arguments.index_rate,
      .nprobe = arguments.nprobe,
      .decoding = {.threads = decoding_threads(),
                   .pad = arguments.preset == kSoftVc ? soft_vc_padding(model.config()) : 0,
                   .only_16k = training_preset(arguments) != nullptr,
                   .check_existing =
                       arguments.recordings.skip_existing ? check_of(expected, units) : nullptr},
      .writing = {.format = format,
                  .all_layers = layers.all,
                  .repeat = arguments.repeat,
                  .metadata = metadata_of(arguments, model),
                  .plot = !arguments.plot.empty()},
      .units = units};
  prepare_folders(plan.jobs);
  Report report(plan.jobs.size(), arguments.recordings.json);
  extract_all(extraction, plan.jobs, report);
  if (units) finish_units(*units, arguments.recordings);
  return report.finish();
}

}  // namespace

Command add_extract(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("extract", "Turn audio files into feature files");
  const auto a = std::make_shared<ExtractArguments>();
  Options options(*parser);
  options.add(
      "--model", a->model,
      fmt::format(
          "A checkpoint file, a Hugging Face directory, a model of the hub (see `contentvec models`), or "
          "synthetic:base. Default: {}",
          kDefaultModel),
      "SPEC");
  add_config(*parser, a->config);
  add_recordings(*parser, a->recordings, kDeclared);
  parser->get_option("--format")
      ->description("npy (default) or safetensors; of --units units (default) or txt");
  options
      .add("--preset", a->preset,
           "rvc-v1, rvc-v2 or applio: what the feature extraction of RVC or Applio does, on an experiment's "
           "directory; or soft-vc: pad by 40 samples on both sides",
           "NAME")
      ->check(one_of({"rvc-v1", "rvc-v2", "applio", kSoftVc}));
  options.add(
      "--layer", a->layer,
      "A block's output, 1 to the number of blocks; \"all\" of them; or \"projected\", before the first. "
      "Default: the model's output",
      "N|all|projected");
  parser->add_flag("--final-proj", a->final_proj, "Apply final_proj (RVC v1 is --layer 9 --final-proj)");
  options.add("--repeat", a->repeat, "Write every frame so many times (RVC's decoder takes 2)", "N")
      ->check(number_in(1, 100));
  options
      .add(
          "--normalize", a->normalize,
          "Bring the waveform to zero mean and unit variance: auto (default: as the checkpoint says), on or off",
          "WHEN")
      ->check(one_of({"auto", "on", "off"}));
  options
      .add("--max-seconds", a->max_seconds,
           fmt::format(
               "Longer recordings are cut at quiet points, which bounds memory (default: {}; 0: never)",
               kPassSeconds),
           "S")
      ->check(number_in(0.0, 1e9));
  options
      .add("--overlap", a->overlap,
           "Context before and after each such piece, whose features are thrown away (default: 0)", "S")
      ->check(number_in(0.0, 1e9));
  options
      .add("--batch-seconds", a->batch_seconds,
           "Audio that goes through the model together (default: 30; 0: one file at a time)", "S")
      ->check(number_in(0.0, 1e9));
  options.add("--speaker-embedding", a->speaker_embedding, "For a model with speaker-conditioned layers",
              "FILE.npy");
  options.add("--index", a->index,
              "Draw the features towards the nearest of this index's vectors (RVC's added_*.index)",
              "FILE.index");
  options
      .add("--index-rate", a->index_rate, "How much of them comes from the index, 0 to 1 (default: 0.75)",
           "RATE")
      ->check(number_in(0.0, 1.0))
      ->needs("--index");
  options
      .add("--nprobe", a->nprobe,
           "Lists of the index that are searched for each frame (default: as it says, 1 in RVC's)", "N")
      ->check(number_in(int64_t{1}, int64_t{1} << 30))
      ->needs("--index");
  options.add(
      "--plot", a->plot,
      "Also draw the features, and how alike they are, below the recording's spectrogram: a .png or .svg "
      "file for one input, else a directory",
      "PATH");
  add_units_of_extract(*parser, a->units);
  add_compute(*parser, a->compute);
  options.add("--threads", a->threads, "Threads of one extraction on the CPU (default: one per CPU)", "N")
      ->check(number_in(0, kMaxThreads));
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
