#include "cli/info.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "cli/file_info.h"
#include "cli/voice_info.h"
#include "contentvec/audio.h"
#include "contentvec/error.h"
#include "contentvec/model.h"
#include "contentvec/voice.h"

namespace contentvec::cli {
namespace {

using Json = nlohmann::ordered_json;

using Row = std::pair<std::string, std::string>;

struct InfoArguments {
  std::string spec;
  std::string config;
  int rate = 0;
  bool devices = false;
  bool json = false;
};

Json as_json(const ModelInfo& info) {
  const ModelConfig& config = info.config;
  return {
      {"source", info.source},
      {"bytes", info.bytes > 0 ? Json(info.bytes) : Json()},
      {"sha256", info.sha256.empty() ? Json() : Json(info.sha256)},
      {"container", info.container},
      {"layout", info.layout},
      {"kind", info.kind},
      {"tensors", info.tensors},
      {"parameters", info.parameters},
      {"config", Json::parse(config.to_json())},
      {"config_source", info.config_source},
      {"normalize", normalises(config, Normalize::kAuto)},
      {"normalize_source", info.normalize_source},
      {"layers", config.total_layers()},
      {"final_proj", config.final_dim > 0},
      {"sample_rate", kSampleRate},
      {"receptive_field", config.receptive_field()},
      {"hop", config.hop()},
      {"warnings", info.warnings},
  };
}

/// One number where all layers share it ("512"), else one per layer ("512 256 256").
std::string per_layer(const ModelConfig& config, int ConvLayer::*field) {
  std::vector<int> values(config.conv_layers.size());
  std::transform(config.conv_layers.begin(), config.conv_layers.end(), values.begin(), std::mem_fn(field));
  const bool same =
      std::all_of(values.begin(), values.end(), [&](int value) { return value == values.front(); });
  return same && !values.empty() ? fmt::format("{}", values.front())
                                 : fmt::format("{}", fmt::join(values, " "));
}

std::string_view frontend_norm(ExtractorMode mode) {
  switch (mode) {
    case ExtractorMode::kGroupNorm:
      return "GroupNorm after the first";
    case ExtractorMode::kGroupNormMasked:
      return "GroupNorm after the first, over valid samples";
    case ExtractorMode::kLayerNorm:
      return "LayerNorm after each";
  }
  return "unknown";
}

std::string layers(const ModelConfig& config) {
  const int plain = config.encoder_layers;
  if (!config.speaker_conditioned()) return fmt::format("{}", plain);
  return fmt::format("{}: {} plain, then {} conditioned on a speaker embedding of {}", config.total_layers(),
                     plain, config.encoder_layers_1, config.speaker_dim);
}

std::vector<Row> rows(const ModelInfo& info) {
  const ModelConfig& c = info.config;
  return {
      {"source", shown(info.source)},
      {"size", info.bytes > 0 ? grouped(info.bytes) + " bytes" : "-"},
      {"SHA-256", info.sha256.empty() ? "- (not one file)" : info.sha256},
      {"container", info.container},
      {"layout", info.layout},
      {"kind", info.kind},
      {"parameters", fmt::format("{} in {} tensors", grouped(info.parameters), info.tensors)},
      {"config", "from " + info.config_source},
      {"  convolutions",
       fmt::format("{} of {} channels, kernels {}, strides {}, {}", c.conv_layers.size(),
                   per_layer(c, &ConvLayer::dim), per_layer(c, &ConvLayer::kernel),
                   per_layer(c, &ConvLayer::stride), c.conv_bias ? "with bias" : "no bias")},
      {"  their norm", std::string(frontend_norm(c.extractor_mode))},
      {"  projection", fmt::format("{}, {} a LayerNorm", info.feature_projection ? "linear" : "none",
                                   c.feat_proj_layer_norm ? "after" : "without")},
      {"  position", fmt::format("convolution, kernel {}, {} groups{}", c.conv_pos, c.conv_pos_groups,
                                 c.conv_pos_batch_norm ? ", after a BatchNorm" : "")},
      {"  width", fmt::format("{}, feed-forward {}", c.encoder_embed_dim, c.encoder_ffn_embed_dim)},
      {"  heads", fmt::format("{} of {}", c.encoder_attention_heads,
                              c.encoder_embed_dim / std::max(1, c.encoder_attention_heads))},
      {"  layers", layers(c)},
      {"  layer norm",
       fmt::format("{} each block, eps {:g}",
                   c.layer_norm_first ? "before the parts of" : "after the parts of", c.layer_norm_eps)},
      {"normalize",
       fmt::format("{}, by {}", normalises(c, Normalize::kAuto) ? "on" : "off", info.normalize_source)},
      {"final_proj", c.final_dim > 0 ? fmt::format("yes, to {}", c.final_dim) : "no"},
      {"frames",
       fmt::format("one every {} samples at {} Hz, each from {}", c.hop(), kSampleRate, c.receptive_field())},
  };
}

std::string text_of(const std::vector<Row>& lines) {
  std::string text;
  for (const auto& [name, value] : lines) text += fmt::format("{:<15} {}\n", name, value);
  text.pop_back();
  return text;
}

std::string as_text(const ModelInfo& info) {
  std::vector<Row> lines = rows(info);
  for (const std::string& warning : info.warnings) lines.emplace_back("warning", warning);
  return text_of(lines);
}

std::string devices_as_json() {
  Json list = Json::array();
  for (const DeviceInfo& device : devices()) {
    list.push_back(
        {{"name", device.name}, {"available", device.available}, {"description", device.description}});
  }
  return json_line(list);
}

std::string devices_as_text() {
  std::string text;
  for (const DeviceInfo& device : devices()) {
    text += fmt::format("{:<5} {:<4} {}\n", device.name, device.available ? "yes" : "no", device.description);
  }
  text.pop_back();
  return text;
}

FileInfo voice_in(const InfoArguments& arguments) {
  VoiceLoadOptions options;
  if (arguments.rate > 0) options.sample_rate = arguments.rate;
  const VoiceSource source = find_voice(arguments.spec, hub_options());
  VoiceInfo info = inspect_voice(source.voice, options);
  info.warnings.insert(info.warnings.begin(), source.warnings.begin(), source.warnings.end());
  return describe_voice(info, source.index);
}

/// A repository of the hub with a voice in it; nothing for every other name.
std::optional<FileInfo> voice_on_hub(const InfoArguments& arguments) {
  std::error_code ignored;
  if (std::filesystem::exists(arguments.spec, ignored)) return std::nullopt;
  try {
    return voice_in(arguments);
  } catch (const Error&) {
    return std::nullopt;  // what was said of it as a model says it better
  }
}

/// Whether it is a zip file that somebody packed, or a name in one. Throws Error where no voice can be told in it.
bool is_of_pack(const std::string& spec) {
  if (spec.ends_with(".npz")) return false;  // a zip file, but NumPy's
  std::error_code ignored;
  std::filesystem::path file = spec;
  while (file.has_parent_path() && file.has_relative_path() && !std::filesystem::exists(file, ignored))
    file = file.parent_path();
  return std::filesystem::is_regular_file(file, ignored) && (file != spec || find_voice(spec).voice != spec);
}

/// What is no model.
std::optional<FileInfo> other_file(const InfoArguments& arguments) {
  const bool is_of_voice = is_voice(arguments.spec) || is_of_pack(arguments.spec);
  return is_of_voice ? voice_in(arguments) : describe_file(arguments.spec);
}

std::string text_of(const InfoArguments& arguments, const FileInfo& file) {
  return arguments.json ? json_line(file.json) : text_of(file.rows);
}

std::string checkpoint_text(const InfoArguments& arguments) {
  if (const std::optional<FileInfo> other = other_file(arguments)) return text_of(arguments, *other);
  LoadOptions options;
  options.config = read_config(arguments.config);
  options.hub = hub_options();
  try {
    const ModelInfo info = inspect(arguments.spec, options);
    return arguments.json ? json_line(as_json(info)) : as_text(info);
  } catch (const Error&) {
    if (const std::optional<FileInfo> voice = voice_on_hub(arguments)) return text_of(arguments, *voice);
    throw;
  }
}

int run(const InfoArguments& arguments) {
  if (arguments.devices != arguments.spec.empty()) {
    throw UsageError(
        "info takes one of SPEC, which is a checkpoint, a voice, an index or features, and --devices");
  }
  const std::string text = !arguments.devices ? checkpoint_text(arguments)
                           : arguments.json   ? devices_as_json()
                                              : devices_as_text();
  print_or_throw(text);
  return kDone;
}

}  // namespace

Command add_info(CLI::App& app) {
  CLI::App* parser = app.add_subcommand(
      "info", "Say what a checkpoint, a voice, an index or a file of features is, or where models can run");
  const auto arguments = std::make_shared<InfoArguments>();
  add_spec(*parser, arguments->spec)->required(false);
  parser->add_flag("--devices", arguments->devices,
                   "List what --device takes, and what of it this machine has");
  add_config(*parser, arguments->config);
  parser
      ->add_option("--rate", arguments->rate, "Samples per second of a voice's training checkpoint (G_*.pth)")
      ->option_text("HZ")
      ->check(number_in(1, 384000));
  parser->add_flag("--json", arguments->json, "Print one JSON object instead of text");
  return {parser, [arguments] { return run(*arguments); }};
}

}  // namespace contentvec::cli
