#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "contentvec/config.h"

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

/// The architecture of --config FILE; nothing where the option was not given.
inline std::optional<ModelConfig> read_config(const std::string& path) {
  if (path.empty()) return std::nullopt;
  return ModelConfig::from_json_file(path);
}

}  // namespace contentvec::cli
