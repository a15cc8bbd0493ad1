#include "cli/export.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "contentvec/error.h"
#include "contentvec/model.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

struct ExportArguments {
  std::string spec;
  std::string out;
  std::string dtype = "f32";
  std::string layout = "fairseq";
  std::string config;
};

/// The source stays as it is: its precision, or what the export leaves out, may be needed again.
void check_out(const ExportArguments& arguments) {
  const fs::path out = arguments.out;
  if (out.extension() != ".safetensors") {
    throw UsageError(
        fmt::format("OUT is \"{}\": it must be a file name that ends in .safetensors", arguments.out));
  }
  std::error_code ignored;
  const fs::path folder = out.has_parent_path() ? out.parent_path() : ".";
  if (fs::equivalent(arguments.spec, out, ignored) || fs::equivalent(arguments.spec, folder, ignored)) {
    throw UsageError(fmt::format("OUT \"{}\" would overwrite what SPEC names; choose another file or folder",
                                 arguments.out));
  }
}

int run(const ExportArguments& arguments) {
  check_out(arguments);
  ExportOptions options;
  options.layout = layout_from_name(arguments.layout);
  options.dtype = dtype_from_name(arguments.dtype);
  options.config = read_config(arguments.config);
  options.hub = hub_options();
  const ModelInfo info = export_model(arguments.spec, arguments.out, options);

  warning_lines(info.warnings);
  const std::string beside =
      options.layout == Layout::kHf ? "; beside it config.json and preprocessor_config.json" : "";
  const std::string line = fmt::format(
      "wrote {}: {} tensors, {} parameters, {} bytes ({}, {} names){}", arguments.out, info.tensors,
      grouped(info.parameters), grouped(static_cast<int64_t>(fs::file_size(arguments.out))),
      options.dtype == DType::kF16 ? "float16" : "float32", arguments.layout, beside);
  print_or_throw(line, "the export itself is done");
  return kDone;
}

}  // namespace

Command add_export(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("export", "Write a checkpoint anew as one safetensors file");
  const auto arguments = std::make_shared<ExportArguments>();
  add_spec(*parser, arguments->spec);
  parser->add_option("OUT", arguments->out, "The file to write; it must end in .safetensors")
      ->required()
      ->option_text(" ");
  parser->add_option("--dtype", arguments->dtype, "Type of the weights in the file: f32 (default) or f16")
      ->check(one_of({"f32", "f16"}))
      ->option_text("TYPE");
  parser
      ->add_option("--layout", arguments->layout,
                   "Whose tensor names to use: fairseq (default), hf (writes config.json and "
                   "preprocessor_config.json beside the file too) or mlx")
      ->check(one_of({"fairseq", "hf", "mlx"}))
      ->option_text("NAMES");
  add_config(*parser, arguments->config);
  return {parser, [arguments] { return run(*arguments); }};
}

}  // namespace contentvec::cli
