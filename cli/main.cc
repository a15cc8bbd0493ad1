#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench.h"
#include "cli/blend.h"
#include "cli/command.h"
#include "cli/compare.h"
#include "cli/completion.h"
#include "cli/console.h"
#include "cli/convert.h"
#include "cli/export.h"
#include "cli/extract.h"
#include "cli/fail.h"
#include "cli/help.h"
#include "cli/index.h"
#include "cli/info.h"
#include "cli/live.h"
#include "cli/man.h"
#include "cli/models.h"
#include "cli/parsing.h"
#include "cli/pitch.h"
#include "cli/program.h"
#include "cli/serve/serve.h"
#include "cli/signals.h"
#include "cli/units.h"
#include "cli/voice_info.h"
#include "cli/voices.h"
#include "cli/warmup.h"
#include "contentvec/model.h"

namespace contentvec::cli {
namespace {

/// -q and -v, which everything takes.
void add_verbosity(CLI::App& parser) {
  parser.add_flag_callback(
      "-q,--quiet", [] { set_verbosity(Verbosity::kQuiet); }, "Say only what went wrong on standard error");
  parser.add_flag_callback(
      "-v,--verbose", [] { set_verbosity(Verbosity::kVerbose); }, "Say more on standard error");
}

int run(const Command& command) {
  try {
    return command.run();
  } catch (const UsageError& error) {
    return usage_error(error.what(), "contentvec " + command.parser->get_name());
  } catch (const Error& error) {
    for (const char* option : {"--voice-rate", "--rate"})  // of those that have both the first is a voice's
      if (command.parser->get_option_no_throw(option) != nullptr)
        fail("{}", with_rate_option(error.what(), option));
    throw;
  }
}

/// Whether a path names a checkpoint, by its end.
bool is_checkpoint(std::string_view argument) {
  constexpr std::array<std::string_view, 5> kEndings = {".pt", ".pth", ".bin", ".ckpt", ".safetensors"};
  return argument.starts_with("synthetic:") ||
         std::any_of(kEndings.begin(), kEndings.end(),
                     [&](auto ending) { return argument.ends_with(ending); });
}

/// Whether `convert` is given a checkpoint in place of a recording, and no voice. What the program takes before a
/// command has no values.
bool asks_to_convert_checkpoint(std::span<const char* const> arguments) {
  const auto is_argument = [](std::string_view argument) { return !argument.starts_with('-'); };
  const auto command = std::find_if(arguments.begin(), arguments.end(), is_argument);
  if (command == arguments.end() || std::string_view(*command) != "convert") return false;
  const auto input = std::find_if(command + 1, arguments.end(), is_argument);
  const auto is_voice = [](std::string_view argument) { return argument.starts_with("--voice"); };
  return input != arguments.end() && is_checkpoint(*input) &&
         std::none_of(command, arguments.end(), is_voice);
}

/// The first option that was given an empty value, which is a variable that a script has not set; "" where none was.
std::string empty_option(const CLI::App& parser) {
  for (const CLI::Option* option : parser.get_options()) {
    const std::vector<std::string>& values = option->results();
    if (option->get_expected_min() > 0 && option->get_type_size() > 0 &&
        std::find(values.begin(), values.end(), "") != values.end())
      return option->get_name();
  }
  return "";
}

int parse_and_run(int argc, const char* const* argv) {
  if (asks_to_convert_checkpoint(std::span(argv, static_cast<size_t>(argc)).subspan(1))) {
    error_line(
        "convert converts recordings, with --voice FILE; to write a checkpoint anew, use `contentvec export` with the "
        "same arguments");
    return kUsage;
  }
  CLI::App app("Speech in; another voice, content features or pitch out.", "contentvec");
  app.set_version_flag("-V,--version", fmt::format("contentvec {}", version()), "Print the version and stop");
  app.require_subcommand(0, 1);
  const std::array commands = {add_convert(app), add_live(app),    add_serve(app),  add_extract(app),
                               add_pitch(app),   add_export(app),  add_index(app),  add_units(app),
                               add_blend(app),   add_compare(app), add_voices(app), add_info(app),
                               add_models(app),  add_bench(app),   add_warmup(app), add_completion(app),
                               add_man(app),     add_help(app)};
  add_verbosity(app);
  for (const Command& command : commands) add_verbosity(*command.parser);
  // Last: commands take on the footer that the program has when they are added.
  app.footer(
      "EXIT STATUS: 0: all is done. 1: something failed, each failure is on standard error. 2: wrong usage.\n"
      "ENVIRONMENT: CONTENTVEC_ISA forces an instruction set; NO_COLOR keeps colours away; HF_HOME, HF_TOKEN "
      "and HF_ENDPOINT are as for huggingface_hub.");
  try {
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::ParseError& error) {
    return finish_parsing(app, error);
  }
  for (const Command& command : commands) {
    if (!command.parser->parsed()) continue;
    if (const std::string empty = empty_option(*command.parser); !empty.empty())
      return usage_error(empty + " is given without a value: \"\" stands for nothing",
                         "contentvec " + command.parser->get_name());
    return run(command);
  }
  set_verbosity(Verbosity::kNormal);
  note_line(help_of(app));
  return kUsage;
}

}  // namespace

int program(int argc, const char* const* argv) {
  install_signal_handlers();
  try {
    return parse_and_run(argc, argv);
  } catch (const std::bad_alloc&) {
    error_line("out of memory; close other programs, or use a machine with more of it");
  } catch (const std::exception& error) {
    error_line(error.what());
  }
  return kFailed;
}

}  // namespace contentvec::cli
