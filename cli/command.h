#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

#include "contentvec/config.h"
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

/// What --dtype takes where a model is to run.
inline const std::map<std::string, DType> kComputeTypes = {{"f32", DType::kF32}, {"bf16", DType::kBF16}};

/// The architecture of --config FILE; nothing where the option was not given.
inline std::optional<ModelConfig> read_config(const std::string& path) {
  if (path.empty()) return std::nullopt;
  return ModelConfig::from_json_file(path);
}

/// SPEC, the checkpoint a command is about.
inline void add_spec(CLI::App& parser, std::string& spec) {
  parser
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
