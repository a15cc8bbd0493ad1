#include "cli/warmup.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "contentvec/audio.h"
#include "contentvec/model.h"

namespace contentvec::cli {
namespace {

struct WarmupArguments {
  std::string model = "synthetic:base";
  Compute compute = {.device = "gpu"};
};

int run(const WarmupArguments& arguments) {
  LoadOptions options = arguments.compute.options(0);
  options.hub = hub_options();
  const Model model = Model::load(arguments.model, options);
  const auto start = std::chrono::steady_clock::now();
  model.prepare(kSampleRate);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string text = fmt::format("{}, {}: ready after {:.1f} s", device_name(model.device()),
                                       arguments.compute.dtype, seconds);
  print_or_throw(text);
  return kDone;
}

}  // namespace

Command add_warmup(CLI::App& app) {
  CLI::App* parser = app.add_subcommand(
      "warmup", "Have MLX compile its kernels now, which a first extraction on a GPU would wait for");
  const auto a = std::make_shared<WarmupArguments>();
  parser
      ->add_option(
          "--model", a->model,
          "What they are for: kernels go by the architecture, so that synthetic:base (default) has those of every "
          "model like it")
      ->option_text("SPEC");
  add_compute(*parser, a->compute);
  parser->get_option("--device")
      ->description(
          "Where the model will run: gpu (default), mlx, auto or cpu, which has nothing to compile");
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
