#include "cli/blend.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "contentvec/error.h"
#include "contentvec/voice.h"

namespace contentvec::cli {
namespace {

struct BlendArguments {
  std::vector<std::string> paths;  ///< the voices, then OUT
  std::vector<double> weights;
  std::string dtype = "f32";
  int rate = 0;
};

int run(const BlendArguments& arguments) {
  std::vector<std::string> voices = arguments.paths;
  const std::string out = voices.back();
  voices.pop_back();
  if (!out.ends_with(".safetensors"))
    throw UsageError(fmt::format("OUT is \"{}\": it must be a file name that ends in .safetensors", out));
  if (voices.size() < 2) throw UsageError("blend takes two or more voices, then OUT");
  if (!arguments.weights.empty() && arguments.weights.size() != voices.size()) {
    throw UsageError(
        fmt::format("--weights has {} numbers for {} voices", arguments.weights.size(), voices.size()));
  }
  BlendOptions options;
  options.weights = arguments.weights;
  options.dtype = dtype_from_name(arguments.dtype);
  if (arguments.rate > 0) options.sample_rate = arguments.rate;
  options.hub = hub_options();
  const VoiceInfo info = blend_voices(voices, out, options);
  warning_lines(info.warnings);
  const std::string line =
      fmt::format("wrote {}: {}, {} Hz, version {}, {} bytes", out, info.notes.at("info"), info.sample_rate,
                  info.version, grouped(static_cast<int64_t>(std::filesystem::file_size(out))));
  print_or_throw(line, "the voice itself is written");
  return kDone;
}

}  // namespace

Command add_blend(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("blend", "Write a voice between others: what RVC calls model fusion");
  const auto arguments = std::make_shared<BlendArguments>();
  parser
      ->add_option("VOICE", arguments->paths,
                   "Two or more voices of one version, sample rate and architecture (see `contentvec info`), "
                   "then the file to write, which must end in .safetensors")
      ->required()
      ->option_text("... OUT");
  parser
      ->add_option("--weights", arguments->weights,
                   "How much of each voice, as 0.7,0.3; divided by their sum. Default: as much of each")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("W,W,...")
      ->check(number_in(0.0, 1e9));
  parser->add_option("--dtype", arguments->dtype, "Type of the weights in the file: f32 (default) or f16")
      ->check(one_of({"f32", "f16"}))
      ->option_text("TYPE");
  parser
      ->add_option("--rate", arguments->rate,
                   "Samples per second of training checkpoints (G_*.pth), which do not say")
      ->option_text("HZ")
      ->check(number_in(1, 384000));
  return {parser, [arguments] { return run(*arguments); }};
}

}  // namespace contentvec::cli
