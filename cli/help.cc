#include "cli/help.h"

#include <memory>

#include "cli/console.h"
#include "cli/parsing.h"

namespace contentvec::cli {

Command add_help(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("help", "Say what a command takes");
  const auto name = std::make_shared<std::string>();
  std::vector<std::string> names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  parser->add_option("COMMAND", *name, "The command; else the program")
      ->option_text(" ")
      ->check(one_of(names));
  const auto run = [&app, name] {
    const CLI::App* about = name->empty() ? &app : app.get_subcommand(*name);
    print_or_throw(help_of(*about));
    return kDone;
  };
  return {parser, run};
}

}  // namespace contentvec::cli
