#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "contentvec/config.h"
#include "contentvec/error.h"
#include "contentvec/model.h"

namespace contentvec::cli {

/// A subcommand: its options, declared on the parser, and what to do once they are parsed.
struct Command {
  CLI::App* parser;
  std::function<int()> run;  ///< returns the exit code; may throw UsageError, Error and std::bad_alloc
};

/// The exit codes, the same for every command.
enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2 };

/// What the user typed cannot be carried out, whatever the files hold: exit code 2.
class UsageError : public std::runtime_error {
 public:
  explicit UsageError(const std::string& message) : std::runtime_error(message) {}
};

/// --dtype and --device, where a model is to run.
struct Compute {
  std::string dtype = "f32";
  std::string device = "cpu";

  /// Of a model that is to run on `threads` threads. Throws UsageError.
  [[nodiscard]] LoadOptions options(int threads) const {
    if (dtype == "f16" && device == "cpu")
      throw UsageError("--dtype f16 is for --device mlx; the CPU takes f32 and bf16");
    return {.threads = threads, .dtype = dtype_from_name(dtype), .device = device_from_name(device)};
  }
};

/// Takes what `parse` takes, which throws Error for the rest.
template <typename Parse>
CLI::Validator accepted_by(Parse parse, const std::string& name) {
  const auto check = [parse](const std::string& text) -> std::string {
    try {
      parse(text);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  return {check, "", name};
}

inline void add_compute(CLI::App& parser, Compute& compute) {
  parser
      .add_option(
          "--dtype", compute.dtype,
          "What weights are kept in and products computed from: f32 (default); bf16: half the memory, "
          "faster where the processor has an instruction for it, about three digits; f16, on MLX only")
      ->option_text("TYPE")
      ->check(accepted_by(dtype_from_name, "dtype"));
  parser
      .add_option("--device", compute.device,
                  "Where the model runs: cpu (default), mlx, gpu or auto; see `contentvec info --devices`")
      ->option_text("DEVICE")
      ->check(accepted_by(device_from_name, "device"));
}

/// The architecture of --config FILE; nothing where the option was not given.
inline std::optional<ModelConfig> read_config(const std::string& path) {
  if (path.empty()) return std::nullopt;
  return ModelConfig::from_json_file(path);
}

/// SPEC, the checkpoint a command is about.
inline CLI::Option* add_spec(CLI::App& parser, std::string& spec) {
  return parser
      .add_option("SPEC", spec,
                  "The checkpoint: a file, a Hugging Face directory, a model of the hub (see `contentvec "
                  "models`), or "
                  "synthetic:base")
      ->required()
      ->option_text(" ");
}

/// --config, for read_config.
inline void add_config(CLI::App& parser, std::string& path) {
  parser.add_option("--config", path, "The architecture, where the checkpoint does not say it")
      ->option_text("FILE.json");
}

}  // namespace contentvec::cli
