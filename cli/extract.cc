#include "cli/extract.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <vector>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "cli/plan.h"
#include "cli/report.h"
#include "contentvec/audio.h"
#include "contentvec/error.h"
#include "contentvec/model.h"
#include "contentvec/retriever.h"
#include "output/npy.h"
#include "output/safetensors.h"
#include "runtime/fail.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> inputs;
  std::string model = kDefaultModel;
  std::string config;
  std::string out;
  std::string layer;
  bool final_proj = false;
  std::string normalize = "auto";
  std::string speaker_embedding;
  std::string index;
  float index_rate = kIndexRate;
  std::string format;
  int threads = 0;
  bool json = false;
};

const std::map<std::string, Normalize> kNormalize = {
    {"auto", Normalize::kAuto}, {"on", Normalize::kOn}, {"off", Normalize::kOff}};
const std::map<std::string, Format> kFormats = {{"npy", Format::kNpy}, {"safetensors", Format::kSafetensors}};

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

/// Everything that stays the same from one input to the next.
struct Extraction {
  Model model;
  ExtractOptions options;
  std::vector<Stage> stages;
  bool all_layers;
  std::optional<Retriever> retriever;
  float index_rate;
  Format format;
  std::map<std::string, std::string> metadata;  ///< of a safetensors file
};

std::vector<float> read_speaker_embedding(const std::string& path) {
  if (path.empty()) return {};
  output::NpyArray array = output::read_npy(path);
  const bool is_vector = array.shape.size() == 1 || (array.shape.size() == 2 && array.shape.front() == 1);
  if (!is_vector) {
    fail("{}: a speaker embedding has the shape [width] or [1, width], this file's is [{}]", path,
         fmt::join(array.shape, ", "));
  }
  return std::move(array.values);
}

std::vector<Stage> stages_of(const Layers& layers, bool final_proj, const ModelConfig& config) {
  if (!layers.all) return {{layers.layer, final_proj}};
  std::vector<Stage> stages;
  for (int layer = 1; layer <= config.total_layers(); ++layer) stages.push_back({layer, final_proj});
  return stages;
}

/// The index of --index, once it is clear that it fits what will be extracted.
std::optional<Retriever> open_retriever(const Arguments& arguments, const Stage& stage,
                                        const ModelConfig& config) {
  if (arguments.index.empty()) return std::nullopt;
  Retriever retriever = Retriever::open(arguments.index);
  const int dim = stage.final_proj ? config.final_dim : config.encoder_embed_dim;
  if (dim > 0 && retriever.dim() != dim) {
    fail(
        "--index {}: its vectors have {} dimensions, the features to extract {}: give the index made from "
        "the same layer and projection",
        arguments.index, retriever.dim(), dim);
  }
  return retriever;
}

std::map<std::string, std::string> metadata_of(const Arguments& arguments, const Model& model) {
  const ModelConfig& config = model.config();
  const bool by_itself = config.normalize.value_or(false);
  const bool normalize = arguments.normalize == "auto" ? by_itself : arguments.normalize == "on";
  std::map<std::string, std::string> metadata = {
      {"model", model.info().source},
      {"layer", arguments.layer.empty() ? "output" : arguments.layer},
      {"final_proj", arguments.final_proj ? "true" : "false"},
      {"normalize", normalize ? "on" : "off"},
      {"sample_rate", fmt::format("{}", kSampleRate)},
      {"hop", fmt::format("{}", config.hop())},
      {"version", version()}};
  if (!arguments.index.empty()) {
    metadata["index"] = arguments.index;
    metadata["index_rate"] = fmt::format("{}", arguments.index_rate);
  }
  return metadata;
}

void write_npy(const fs::path& path, const std::vector<Features>& stages, bool all_layers) {
  const Features& first = stages.front();
  if (!all_layers) return output::write_npy(path, std::array{first.frames, first.dim}, first.data);
  std::vector<float> values;
  values.reserve(stages.size() * first.data.size());
  for (const Features& stage : stages) values.insert(values.end(), stage.data.begin(), stage.data.end());
  output::write_npy(path, std::array{static_cast<int64_t>(stages.size()), first.frames, first.dim}, values);
}

void write_safetensors(const fs::path& path, const std::vector<Features>& stages,
                       const Extraction& extraction) {
  std::vector<output::NamedTensor> tensors;
  for (size_t i = 0; i < stages.size(); ++i) {
    const Features& stage = stages[i];
    tensors.push_back({extraction.all_layers ? fmt::format("layer_{}", i + 1) : "features",
                       "F32",
                       {stage.frames, stage.dim},
                       [&stage] { return output::bytes_of(stage.data); }});
  }
  output::write_safetensors(path, tensors, extraction.metadata);
}

void blend_with_index(const Extraction& extraction, std::vector<Features>& stages) {
  if (!extraction.retriever) return;
  for (Features& stage : stages) stage = extraction.retriever->blend(stage, extraction.index_rate);
}

Done run_job(const Extraction& extraction, const Job& job) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<float> waveform = load_audio(job.input);
  std::vector<Features> stages =
      extraction.model.extract_stages(waveform, extraction.stages, extraction.options);
  blend_with_index(extraction, stages);
  if (extraction.format == Format::kNpy) {
    write_npy(job.output, stages, extraction.all_layers);
  } else {
    write_safetensors(job.output, stages, extraction);
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  return {.layers = extraction.all_layers ? static_cast<int64_t>(stages.size()) : 0,
          .frames = stages.front().frames,
          .dim = stages.front().dim,
          .audio_seconds = static_cast<double>(waveform.size()) / kSampleRate,
          .seconds = taken.count()};
}

/// One input failing, be it by taking all memory, leaves the others to be done.
void try_job(const Extraction& extraction, const Job& job, Report& report) {
  if (!job.problem.empty()) return report.failed(job, job.problem);
  try {
    report.done(job, run_job(extraction, job));
  } catch (const std::bad_alloc&) {
    report.failed(job, "out of memory; cut the recording into shorter ones");
  } catch (const std::exception& error) {
    report.failed(job, error.what());
  }
}

Model load_model(const Arguments& arguments) {
  Model model = Model::load(
      arguments.model,
      {.config = read_config(arguments.config), .threads = arguments.threads, .hub = hub_options()});
  for (const std::string& warning : model.info().warnings) note_line("contentvec: warning: " + warning);
  return model;
}

int run(const Arguments& arguments) {
  const Layers layers = parse_layers(arguments.layer);
  if (layers.all && !arguments.index.empty()) {
    throw UsageError("--index is made of one layer's features: give that layer instead of --layer all");
  }
  const std::vector<std::string> keep = {arguments.model, arguments.speaker_embedding, arguments.config,
                                         arguments.index};
  const auto format = arguments.format.empty() ? std::nullopt : std::optional(kFormats.at(arguments.format));
  const Plan plan = make_plan(arguments.inputs, arguments.out, format, keep);
  const std::vector<float> speaker = read_speaker_embedding(arguments.speaker_embedding);

  const Model model = load_model(arguments);
  const std::vector<Stage> stages = stages_of(layers, arguments.final_proj, model.config());
  const Extraction extraction = {
      .model = model,
      .options = {.normalize = kNormalize.at(arguments.normalize), .speaker_embedding = speaker},
      .stages = stages,
      .all_layers = layers.all,
      .retriever = open_retriever(arguments, stages.front(), model.config()),
      .index_rate = arguments.index_rate,
      .format = plan.format,
      .metadata = metadata_of(arguments, model)};
  if (!plan.folder.empty()) fs::create_directories(plan.folder);
  Report report(plan.jobs.size(), arguments.json);
  for (const Job& job : plan.jobs) try_job(extraction, job, report);
  return report.finish();
}

}  // namespace

Command add_extract(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("extract", "Turn audio files into feature files");
  const auto a = std::make_shared<Arguments>();
  const auto option = [&](const std::string& name, auto& value, const std::string& text,
                          const std::string& value_text) {
    return parser->add_option(name, value, text)->option_text(value_text);
  };
  option("INPUT", a->inputs, "Audio files, directories of them, or - for standard input", "...")->required();
  option("--model", a->model,
         fmt::format(
             "A checkpoint file, a Hugging Face directory, a model of the hub (see `contentvec models`), or "
             "synthetic:base. Default: {}",
             kDefaultModel),
         "SPEC");
  add_config(*parser, a->config);
  option(
      "--out", a->out,
      "The file to write (.npy or .safetensors) for one input; else the directory (default: the current one)",
      "PATH");
  option("--layer", a->layer,
         "A block's output, 1 to the number of blocks; \"all\" of them; or \"projected\", before the first. "
         "Default: the model's output",
         "N|all|projected");
  parser->add_flag("--proj", a->final_proj, "Apply final_proj (RVC v1 is --layer 9 --proj)");
  option(
      "--normalize", a->normalize,
      "Bring the waveform to zero mean and unit variance: auto (default: as the checkpoint says), on or off",
      "WHEN")
      ->check(CLI::IsMember(kNormalize));
  option("--speaker-embedding", a->speaker_embedding, "For a model with speaker-conditioned layers",
         "FILE.npy");
  option("--index", a->index,
         "Draw the features towards the nearest of this index's vectors (RVC's added_*.index)", "FILE.index");
  option("--index-rate", a->index_rate, "How much of them comes from the index, 0 to 1 (default: 0.75)",
         "RATE")
      ->check(CLI::Range(0.0, 1.0))
      ->needs("--index");
  option("--format", a->format, "npy (default) or safetensors", "FORMAT")->check(CLI::IsMember(kFormats));
  option("--threads", a->threads, "Threads of one extraction (default: one per CPU)", "N")
      ->check(CLI::Range(0, kMaxThreads));
  parser->add_flag("--json", a->json, "Print one line of JSON per input to standard output");
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
