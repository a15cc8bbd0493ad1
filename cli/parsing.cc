#include "cli/parsing.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <sstream>
#include <utility>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/suggestion.h"

namespace contentvec::cli {
namespace {

/// "contentvec", "contentvec extract"
std::string called(const CLI::App& command) {
  return command.get_parent() == nullptr ? "contentvec" : "contentvec " + command.get_name();
}

std::vector<std::string> all_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (std::string& name : names_of(*option)) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  return names;
}

/// What is wrong with the first argument that nothing takes.
std::string unexpected(const CLI::App& command, const std::string& argument) {
  if (argument.starts_with('-') && argument.size() > 1) {
    const std::string name = argument.substr(0, argument.find('='));
    const bool one_letter = name.size() == 2;  // every other one is as near
    return fmt::format("there is no option {}{}", name,
                       one_letter ? "" : did_you_mean(name, all_names(command)));
  }
  if (command.get_parent() == nullptr) {
    return fmt::format("there is no command \"{}\"{}", argument,
                       did_you_mean(argument, command_names(command)));
  }
  return fmt::format("the argument \"{}\" is one too many", argument);
}

/// The option that an error is about, by the name at its beginning.
const CLI::Option* option_at_start(const CLI::App& command, const std::string& text) {
  for (const CLI::Option* option : command.get_options()) {
    if (text.starts_with(option->get_name() + ":")) return option;
  }
  return nullptr;
}

/// The parser's errors do not all have their kind as a name; their numbers say it.
bool is(const CLI::ParseError& error, CLI::ExitCodes kind) {
  return error.get_exit_code() == static_cast<int>(kind);
}

std::string wording(const CLI::App& command, const CLI::ParseError& error) {
  const CLI::App* program = command.get_parent();
  if (program != nullptr && !program->remaining().empty()) return wording(*program, error);
  const std::vector<std::string> rest = command.remaining();
  // An option that does not exist is why another is missing, or why its value is one too many.
  if (!rest.empty() && (is(error, CLI::ExitCodes::ExtrasError) || is(error, CLI::ExitCodes::RequiredError))) {
    const auto option = std::find_if(rest.begin(), rest.end(), [](const std::string& argument) {
      return argument.starts_with('-') && argument.size() > 1;
    });
    return unexpected(command, program == nullptr || option == rest.end() ? rest.front() : *option);
  }
  std::string text = error.what();
  const CLI::Option* option = option_at_start(command, text);
  if (is(error, CLI::ExitCodes::ArgumentMismatch) && option != nullptr) {
    const size_t values = option->results().size();
    if (values > 1) {
      return fmt::format("{} takes one value, and is given {}", option->get_name(), values);
    }
    return fmt::format("{} takes a value: {} {}", option->get_name(), option->get_name(),
                       option->get_option_text());
  }
  return text;
}

}  // namespace

std::vector<std::string> arguments_of(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (std::string argument : std::span(argv, static_cast<size_t>(argc)).subspan(1)) {
    if (argument.starts_with('[') && argument.ends_with(']')) argument.insert(0, "./");
    const bool is_empty = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    if (is_empty) argument.pop_back();
    arguments.push_back(std::move(argument));
    if (is_empty) arguments.emplace_back();  // the parser would take the next argument for the value
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

std::string help_of(const CLI::App& command) {
  // The parser's own help() is that of the command that was typed, whichever it is asked for.
  const std::string before = command.get_parent() == nullptr ? "contentvec" : called(command);
  std::string text = command.get_formatter()->make_help(&command, before, CLI::AppFormatMode::Normal);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> choices_of(const CLI::Option& option) {
  std::vector<std::string> choices;
  // The parser asks whether a validator has the name it is looked for by throwing.
  try {
    // It has no const access to them.
    auto* validator = const_cast<CLI::Option&>(option).get_validator(kChoices);
    std::istringstream words(validator->get_description());
    for (std::string word; words >> word;) choices.push_back(word);
  } catch (const CLI::OptionNotFound&) {
  }
  return choices;
}

int usage_error(const std::string& message, const std::string& command) {
  error_line(fmt::format("{}\nRun `{} --help` for what it takes.", message, command));
  return kUsage;
}

int finish_parsing(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_name() == "CallForVersion") return print_line(error.what()) ? kDone : kFailed;
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  if (error.get_exit_code() == 0) return print_line(help_of(command)) ? kDone : kFailed;
  return usage_error(wording(command, error), called(command));
}

}  // namespace contentvec::cli
