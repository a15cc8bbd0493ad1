#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "cli/bench.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/convert.h"
#include "cli/extract.h"
#include "cli/index.h"
#include "cli/info.h"
#include "cli/models.h"
#include "cli/program.h"
#include "cli/signals.h"
#include "contentvec/model.h"

namespace contentvec::cli {
namespace {

int usage_error(const std::string& message, const std::string& command) {
  note_line(fmt::format("contentvec: {}\nRun `{} --help` for what it takes.", message, command));
  return kUsage;
}

/// The help of a command, or of the program.
std::string help_of(const CLI::App& command) {
  std::string text = command.help(command.get_parent() == nullptr ? "" : "contentvec");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// The parser's own errors and requests, as exit codes.
int finish_parsing(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_name() == "CallForVersion") return print_line(error.what()) ? kDone : kFailed;
  const auto chosen = app.get_subcommands();
  if (error.get_exit_code() == 0) {
    return print_line(help_of(chosen.empty() ? app : *chosen.front())) ? kDone : kFailed;
  }
  return usage_error(error.what(),
                     chosen.empty() ? "contentvec" : "contentvec " + chosen.front()->get_name());
}

/// The arguments in the order the parser takes them: the last one first. The parser would read an input named
/// "[a,b]" as a list of two; as "./[a,b]" it is the same file, and only that.
std::vector<std::string> arguments_of(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::string& argument : arguments) {
    if (argument.starts_with('[') && argument.ends_with(']')) argument.insert(0, "./");
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

int run(const Command& command) {
  try {
    return command.run();
  } catch (const UsageError& error) {
    return usage_error(error.what(), "contentvec " + command.parser->get_name());
  }
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app("Speech in, ContentVec / HuBERT content features out.", "contentvec");
  app.set_version_flag("--version", fmt::format("contentvec {}", version()), "Print the version and stop");
  app.require_subcommand(0, 1);
  const std::array commands = {add_extract(app), add_convert(app), add_index(app),
                               add_info(app),    add_models(app),  add_bench(app)};
  try {
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::ParseError& error) {
    return finish_parsing(app, error);
  }
  for (const Command& command : commands) {
    if (command.parser->parsed()) return run(command);
  }
  note_line(help_of(app));
  return kUsage;
}

}  // namespace

int program(int argc, const char* const* argv) {
  install_signal_handlers();
  try {
    return parse_and_run(argc, argv);
  } catch (const std::bad_alloc&) {
    note_line("contentvec: out of memory; close other programs, or use a machine with more of it");
  } catch (const std::exception& error) {
    note_line(std::string("contentvec: ") + error.what());
  }
  return kFailed;
}

}  // namespace contentvec::cli
