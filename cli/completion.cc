#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/parsing.h"

namespace contentvec::cli {
namespace {

using Words = std::vector<std::string>;

Words names_of_commands(const CLI::App& app) {
  Words names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  return names;
}

Words names_of_options(const CLI::App& command) {
  Words names;
  for (const CLI::Option* option : options_of(command)) {
    for (std::string& name : names_of(*option)) names.push_back(std::move(name));
  }
  return names;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

std::string joined(const Words& words, const char* between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

/// Between single quotes; `quote` is how the shell writes one there.
std::string quoted(const std::string& text, const char* quote) {
  std::string inside;
  for (const char c : text) inside += c == '\'' ? quote : std::string(1, c);
  return "'" + inside + "'";
}

/// The program first, whose name is empty, then its commands.
template <typename Action>
void for_each_command(const CLI::App& app, const Action& action) {
  action(app, std::string());
  for (const CLI::App* command : commands_of(app)) action(*command, command->get_name());
}

/// Cases of "COMMAND PREVIOUS-WORD" of a shell's case statement: for values that are a choice, `choose` makes
/// a statement of the words; for all others, files.
std::string cases_of_values(const CLI::App& app, const char* choose, const char* files) {
  std::string text;
  for_each_command(app, [&](const CLI::App& command, const std::string& name) {
    for (const CLI::Option* option : options_of(command)) {
      if (!takes_value(*option)) continue;
      Words patterns;
      for (const std::string& typed : names_of(*option))
        patterns.push_back(fmt::format("'{} {}'", name, typed));
      const Words choices = choices_of(*option);
      text += fmt::format("    {}) ", joined(patterns, "|"));
      text += choices.empty() ? files : fmt::format(fmt::runtime(choose), joined(choices));
      text += "; return ;;\n";
    }
  });
  return text;
}

/// What may stand without a '-' before it after a command, where that is a choice.
std::string cases_of_arguments(const CLI::App& app, const char* choose) {
  std::string text;
  for (const CLI::App* command : commands_of(app)) {
    for (const CLI::Option* option : command->get_options()) {
      if (!option->get_positional() || choices_of(*option).empty()) continue;
      text += fmt::format("    {}) {} ;;\n", command->get_name(),
                          fmt::format(fmt::runtime(choose), joined(choices_of(*option))));
    }
  }
  return text;
}

std::string bash(const CLI::App& app) {
  std::string options;
  for_each_command(app, [&](const CLI::App& command, const std::string& name) {
    options += fmt::format("      '{}') words='{}' ;;\n", name, joined(names_of_options(command)));
  });
  constexpr const char* kChoose = "COMPREPLY=($(compgen -W '{}' -- \"$word\"))";
  const Words commands = names_of_commands(app);
  return fmt::format(
      R"(# contentvec completion bash
_contentvec() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command= words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${{COMP_WORDS[i]}} in
      {}) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case "$command $previous" in
{}  esac
  if [[ $word == -* ]]; then
    case $command in
{}    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case $command in
    '') {} ;;
{}  esac
}}
complete -o default -F _contentvec contentvec)",
      joined(commands, "|"), cases_of_values(app, kChoose, ":"), options,
      fmt::format(fmt::runtime(kChoose), joined(commands)), cases_of_arguments(app, kChoose));
}

/// Words with what they mean, as zsh's _describe takes them.
std::string described(const Words& names, const std::string& text) {
  std::string all;
  for (const std::string& name : names) all += quoted(name + ":" + text, "'\\''") + " ";
  return all;
}

std::string zsh(const CLI::App& app) {
  std::string options;
  for_each_command(app, [&](const CLI::App& command, const std::string& name) {
    options += fmt::format("      '{}') words_=(", name);
    for (const CLI::Option* option : options_of(command)) {
      options += described(names_of(*option), option->get_description());
    }
    options += ") ;;\n";
  });
  std::string commands;
  for (const CLI::App* command : commands_of(app)) {
    commands += described({command->get_name()}, command->get_description());
  }
  constexpr const char* kChoose = "compadd -- {}";
  return fmt::format(
      R"(#compdef contentvec
_contentvec() {{
  local command_= word_
  local -a words_
  for word_ in ${{words[2,CURRENT-1]}}; do
    case $word_ in
      {}) command_=$word_; break ;;
    esac
  done
  case "$command_ ${{words[CURRENT-1]}}" in
{}  esac
  if [[ ${{words[CURRENT]}} == -* ]]; then
    case $command_ in
{}    esac
    _describe option words_
    return
  fi
  case $command_ in
    '') words_=({}); _describe command words_ ;;
{}    *) _files ;;
  esac
}}
if [[ $funcstack[1] == _contentvec ]]; then _contentvec "$@"; else compdef _contentvec contentvec; fi)",
      joined(names_of_commands(app), "|"), cases_of_values(app, kChoose, "_files"), options, commands,
      cases_of_arguments(app, kChoose));
}

/// One option as arguments of fish's `complete`.
std::string fish_option(const CLI::Option& option) {
  std::string text;
  for (const std::string& name : option.get_snames()) text += " -s " + name;
  for (const std::string& name : option.get_lnames()) text += " -l " + name;
  const Words choices = choices_of(option);
  if (!choices.empty()) {
    text += fmt::format(" -x -a '{}'", joined(choices));
  } else if (takes_value(option)) {
    text += " -r";
  }
  return text + " -d " + quoted(option.get_description(), "\\'");
}

std::string fish(const CLI::App& app) {
  std::string text = "# contentvec completion fish";
  for_each_command(app, [&](const CLI::App& command, const std::string& name) {
    const std::string when = name.empty()
                                 ? "complete -c contentvec -n __fish_use_subcommand"
                                 : "complete -c contentvec -n '__fish_seen_subcommand_from " + name + "'";
    for (const CLI::Option* option : command.get_options()) {
      const Words choices = choices_of(*option);
      if (option->nonpositional()) {
        text += "\n" + when + fish_option(*option);
      } else if (!choices.empty()) {
        text += fmt::format("\n{} -x -a '{}'", when, joined(choices));
      }
    }
  });
  for (const CLI::App* command : commands_of(app)) {
    text += fmt::format("\ncomplete -c contentvec -f -n __fish_use_subcommand -a {} -d {}",
                        command->get_name(), quoted(command->get_description(), "\\'"));
  }
  return text;
}

}  // namespace

Command add_completion(CLI::App& app) {
  CLI::App* parser =
      app.add_subcommand("completion", "Print a script that lets a shell complete what is typed");
  const auto shell = std::make_shared<std::string>();
  parser->add_option("SHELL", *shell, "bash, zsh or fish: source <(contentvec completion bash)")
      ->required()
      ->option_text(" ")
      ->check(one_of({"bash", "zsh", "fish"}));
  const auto run = [&app, shell] {
    const std::string script = *shell == "bash" ? bash(app) : *shell == "zsh" ? zsh(app) : fish(app);
    print_or_throw(script);
    return kDone;
  };
  return {parser, run};
}

}  // namespace contentvec::cli
