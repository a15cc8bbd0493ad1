#include "cli/compare.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/comparison.h"
#include "cli/console.h"
#include "cli/download_bar.h"
#include "cli/picture.h"
#include "contentvec/audio.h"
#include "contentvec/error.h"
#include "contentvec/feature_file.h"
#include "contentvec/long_audio.h"
#include "contentvec/model.h"

namespace contentvec::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kFrameSeconds = 0.02;

struct CompareArguments {
  std::array<std::string, 2> sides;
  std::string input;
  std::vector<std::string> dtypes = {"f32"};
  std::vector<std::string> devices = {"cpu"};
  int layer = kModelOutput;
  bool final_proj = false;
  std::string plot;
  bool json = false;
  int threads = 0;
};

/// A side, computed.
struct Side {
  std::string name;
  Features features;
};

/// Which of the sides are files of features.
using AreFiles = std::array<bool, 2>;

/// Whether a side is a file of features, rather than a model.
bool has_features(const std::string& side) {
  if (side.ends_with(".npy")) return true;
  if (!side.ends_with(".safetensors")) return false;
  try {
    return inspect_features(side).dim > 0;
  } catch (const Error&) {
    return false;  // a checkpoint; or what loading it will say
  }
}

const std::string& of_side(const std::vector<std::string>& values, size_t side) {
  return values[values.size() == 1 ? 0 : side];
}

Side extracted(const CompareArguments& arguments, size_t number, const std::vector<float>& waveform) {
  const Compute compute = {of_side(arguments.dtypes, number), of_side(arguments.devices, number)};
  LoadOptions options = compute.options(arguments.threads);
  options.hub = hub_options();
  const std::string& spec = arguments.sides[number];
  const Model model = Model::load(spec, options);
  warning_lines(model.info().warnings);
  const ExtractOptions what = {.layer = arguments.layer, .final_proj = arguments.final_proj};
  return {fmt::format("{}, {}, {}", spec, compute.dtype, device_name(model.device())),
          extract_long(model, waveform, {}, what)};
}

Side side_of(const CompareArguments& arguments, const AreFiles& are_files, size_t number,
             const std::vector<float>& waveform) {
  const std::string& side = arguments.sides[number];
  if (!are_files[number]) return extracted(arguments, number, waveform);
  return {side, read_features(side)};
}

void check_arguments(const CompareArguments& arguments, const AreFiles& are_files) {
  for (const auto& [option, values] :
       {std::pair("--dtype", &arguments.dtypes), std::pair("--device", &arguments.devices)}) {
    if (values->size() > 2)
      throw UsageError(fmt::format("{} has {} values: give one for both sides, or one each, as \"f32,bf16\"",
                                   option, values->size()));
  }
  if (arguments.input.empty() && !(are_files[0] && are_files[1]))
    throw UsageError("a model needs a recording: contentvec compare A B INPUT");
  if (arguments.input.empty() && !arguments.plot.empty())
    throw UsageError("--plot draws the recording, too: contentvec compare A B INPUT");
  if (!arguments.plot.empty() && !arguments.plot.ends_with(".png") && !arguments.plot.ends_with(".svg"))
    throw UsageError(
        fmt::format("--plot \"{}\": give a file name that ends in .png or .svg", arguments.plot));
}

Json as_json(const Side& a, const Side& b, const Comparison& comparison) {
  Json worst = Json::array();
  for (const ComparedFrame& frame : comparison.worst)
    worst.push_back(
        {{"seconds", static_cast<double>(frame.frame) * kFrameSeconds}, {"cosine", frame.cosine}});
  return {{"a", utf8_text(a.name)},
          {"b", utf8_text(b.name)},
          {"frames", a.features.frames},
          {"dim", a.features.dim},
          {"cosine", {{"mean", comparison.mean}, {"median", comparison.median}}},
          {"worst", worst},
          {"cosines", comparison.cosines},
          {"largest_difference", comparison.largest_difference},
          {"rms_difference", comparison.rms_difference},
          {"rms", comparison.rms}};
}

std::string as_text(const Side& a, const Side& b, const Comparison& comparison) {
  std::string text = fmt::format("A           {}\nB           {}\nframes      {} x {}\n", shown(a.name),
                                 shown(b.name), a.features.frames, a.features.dim);
  text += fmt::format("cosine      mean {:.7f}, median {:.7f}\n", comparison.mean, comparison.median);
  for (const ComparedFrame& frame : comparison.worst)
    text += fmt::format("{}{:.7f} at {:.2f} s\n",
                        &frame == comparison.worst.data() ? "worst       " : "            ", frame.cosine,
                        static_cast<double>(frame.frame) * kFrameSeconds);
  return text + fmt::format("difference  rms {:.3g} of {:.3g}; largest {:.3g}, at {:.2f} s in channel {}",
                            comparison.rms_difference, comparison.rms, comparison.largest_difference,
                            static_cast<double>(comparison.largest_frame) * kFrameSeconds,
                            comparison.largest_channel);
}

/// A side's name, of a long one the end, which has the file's name, the type and the device: what fits into a line of
/// a picture.
std::string end_of(const std::string& name) {
  constexpr size_t kMost = 90;
  std::string text = utf8_text(name);
  if (text.size() <= kMost) return text;
  size_t start = text.size() - kMost;
  while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) ++start;
  return "..." + text.substr(start);
}

int run(const CompareArguments& arguments) {
  const AreFiles are_files = {has_features(arguments.sides[0]), has_features(arguments.sides[1])};
  check_arguments(arguments, are_files);
  if (!arguments.plot.empty()) plot::check_drawing();
  const std::vector<float> waveform =
      arguments.input.empty() ? std::vector<float>() : load_audio(arguments.input);
  const Side a = side_of(arguments, are_files, 0, waveform);
  const Side b = side_of(arguments, are_files, 1, waveform);
  const Comparison comparison = compare_features(a.features, b.features);
  const std::string text = arguments.json ? json_line(as_json(a, b, comparison)) : as_text(a, b, comparison);
  print_or_throw(text);
  if (!arguments.plot.empty()) {
    write_picture(arguments.plot, plot::ComparisonFigure{
                                      utf8_text(std::filesystem::path(arguments.input).filename().string()),
                                      {"A: " + end_of(a.name), "B: " + end_of(b.name)},
                                      plot::spectrogram_of(waveform, kSampleRate, plot::kSpeechRange),
                                      comparison.cosines});
  }
  return kDone;
}

}  // namespace

Command add_compare(CLI::App& app) {
  CLI::App* parser =
      app.add_subcommand("compare", "Say how far two models, types, devices or feature files are apart");
  const auto a = std::make_shared<CompareArguments>();
  parser
      ->add_option("A", a->sides[0],
                   "A model, as extract takes it, or a file of features (.npy, .safetensors)")
      ->required()
      ->option_text(" ");
  parser->add_option("B", a->sides[1], "What it is compared with, likewise")->required()->option_text(" ");
  parser->add_option("INPUT", a->input, "The recording that both are given; feature files need none")
      ->option_text(" ");
  Options options(*parser);
  options
      .add(
          "--dtype", a->dtypes,
          "What weights are kept in, as in extract: f32 (default), bf16, f16 or tf32, for both or one each: f32,bf16",
          "TYPE[,TYPE]")
      ->delimiter(',')
      ->check(is_dtype());
  options
      .add("--device", a->devices,
           "Where they run: cpu (default), mlx, gpu or auto, for both or one each: cpu,mlx",
           "DEVICE[,DEVICE]")
      ->delimiter(',')
      ->check(is_device());
  options.add("--layer", a->layer, "A block's output, from 1 (default: the model's output)", "N")
      ->check(number_in(1, 1000));
  parser->add_flag("--final-proj", a->final_proj, "Apply final_proj");
  options.add(
      "--plot", a->plot,
      "Also draw how far apart they are over time, below the recording's spectrogram: a .png or .svg file",
      "PATH");
  parser->add_flag("--json", a->json, "Print one object of JSON");
  options.add("--threads", a->threads, "Threads on the CPU (default: one per CPU)", "N")
      ->check(number_in(0, kMaxThreads));
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
