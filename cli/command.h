#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/App.hpp>
#include <CLI/Validators.hpp>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "cli/console.h"
#include "cli/suggestion.h"
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
    if (dtype == "tf32" && device == "cpu")
      throw UsageError("--dtype tf32 is for --device gpu with CUDA; the CPU takes f32 and bf16");
    return {.threads = threads,
            .dtype = dtype_from_name(dtype),
            .device = device_from_name(device),
            .notice = [](const std::string& notice) { note_line("contentvec: note: " + notice); }};
  }
};

/// Declares options with the text of their values.
class Options {
 public:
  explicit Options(CLI::App& parser) : parser_(parser) {}

  template <typename Value>
  CLI::Option* add(const std::string& name, Value& value, const std::string& text,
                   const std::string& value_text) {
    return parser_.add_option(name, value, text)->option_text(value_text);
  }

 private:
  CLI::App& parser_;
};

/// The name of the validator that one_of() makes, by which the words are found again.
inline constexpr const char* kChoices = "choices";

/// Takes one of a few words.
inline CLI::Validator one_of(const std::vector<std::string>& words) {
  const auto check = [words](const std::string& text) -> std::string {
    if (std::find(words.begin(), words.end(), text) != words.end()) return "";
    return fmt::format("\"{}\" is not one of {}{}", text, fmt::join(words, ", "), did_you_mean(text, words));
  };
  CLI::Validator validator(check, fmt::format("{}", fmt::join(words, " ")), kChoices);
  return validator;
}

/// Takes a number from `least` to `most`, and so no NaN, which the parser's own Range lets through.
template <typename T>
CLI::Validator number_in(T least, T most) {
  const auto check = [least, most](const std::string& text) -> std::string {
    T value{};
    bool is_number = CLI::detail::lexical_cast(text, value);
    if constexpr (std::is_integral_v<T>) {
      // The parser takes a number that is too large for the largest, and a negative one for what it wraps to.
      const char* const end = text.data() + text.size();
      const auto [read, error] = std::from_chars(text.data(), end, value);
      is_number = is_number && error == std::errc() && read == end;
    }
    if (is_number && value >= least && value <= most) return "";
    return fmt::format("\"{}\" is no {} from {:.15g} to {:.15g}", text,
                       std::is_integral_v<T> ? "whole number" : "number", static_cast<double>(least),
                       static_cast<double>(most));
  };
  return {check, ""};
}

/// What --dtype takes where a model runs.
inline CLI::Validator is_dtype() {
  return one_of({"f32", "bf16", "f16", "tf32"});
}
/// What --device takes.
inline CLI::Validator is_device() {
  return one_of({"cpu", "mlx", "gpu", "auto"});
}

inline void add_compute(CLI::App& parser, Compute& compute) {
  parser
      .add_option(
          "--dtype", compute.dtype,
          "What weights are kept in and products computed from: f32 (default); bf16: half the memory, "
          "faster where the processor has an instruction for it, about three digits; MLX: f16, on CUDA tf32")
      ->option_text("TYPE")
      ->check(is_dtype());
  parser
      .add_option("--device", compute.device,
                  "Where the model runs: cpu (default), mlx, gpu or auto; see `contentvec info --devices`")
      ->option_text("DEVICE")
      ->check(is_device());
}

/// --device of a command that runs on the CPU whatever it says; `what` is that which does.
inline void add_cpu_device(CLI::App& parser, std::string& device, const std::string& what) {
  parser
      .add_option(
          "--device", device,
          fmt::format("Where it runs: cpu (default) or auto, which is cpu here: {} has no kernels for a GPU",
                      what))
      ->option_text("DEVICE")
      ->check(is_device());
}
/// Throws UsageError where that was given a GPU.
inline void check_cpu_device(const std::string& device, const std::string& what) {
  if (device == "cpu" || device == "auto") return;
  throw UsageError(fmt::format(
      "--device {}: {} runs on the CPU, with --device cpu or auto; on a GPU there are content features alone, "
      "those of extract and convert",
      device, what));
}

/// The architecture of --config FILE; nothing where the option was not given.
inline std::optional<ModelConfig> read_config(const std::string& path) {
  if (path.empty()) return std::nullopt;
  return ModelConfig::from_json_file(path);
}

/// SPEC, the checkpoint a command is about.
inline CLI::Option* add_spec(CLI::App& parser, std::string& spec) {
  return parser
      .add_option(
          "SPEC", spec,
          "The checkpoint: a file, a Hugging Face directory, a model of the hub (see `contentvec models`), "
          "or synthetic:base")
      ->required()
      ->option_text(" ");
}

/// --config, for read_config.
inline void add_config(CLI::App& parser, std::string& path) {
  parser.add_option("--config", path, "The architecture, where the checkpoint does not say it")
      ->option_text("FILE.json");
}

}  // namespace contentvec::cli
