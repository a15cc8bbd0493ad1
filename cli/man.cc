#include "cli/man.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>
#include <string>

#include "cli/console.h"
#include "cli/parsing.h"
#include "contentvec/model.h"

namespace contentvec::cli {
namespace {

/// Text as roff takes it: hyphens that are typed, and no line that looks like a request.
std::string roff(const std::string& text) {
  std::string escaped;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) escaped += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// One entry of a list: what is typed in bold, what stands for a value in italics.
std::string entry(const std::string& typed, const std::string& value, const std::string& text) {
  const std::string of_value = value.empty() || value == " " ? "" : fmt::format(" \\fI{}\\fR", roff(value));
  return fmt::format(".TP\n\\fB{}\\fR{}\n{}\n", roff(typed), of_value, roff(text));
}

std::string entries_of(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      text += entry(option->get_name(true), option->get_option_text(), option->get_description());
    }
  }
  for (const CLI::Option* option : options_of(command)) {
    text += entry(fmt::format("{}", fmt::join(names_of(*option), ", ")), option->get_option_text(),
                  option->get_description());
  }
  return text;
}

/// The program's footer, lines of "heading: text".
std::string closing_sections(const CLI::App& app) {
  std::string text;
  std::istringstream lines(app.get_footer());
  for (std::string line; std::getline(lines, line);) {
    if (const size_t colon = line.find(": "); colon != std::string::npos) {
      text += fmt::format(".SH {}\n{}\n", roff(line.substr(0, colon)), roff(line.substr(colon + 2)));
    }
  }
  return text;
}

std::string page(const CLI::App& app) {
  std::string text = fmt::format(
      ".TH CONTENTVEC 1 \"\" \"contentvec {}\" \"User Commands\"\n.SH NAME\ncontentvec \\- {}\n"
      ".SH SYNOPSIS\n\\fBcontentvec\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] ...\n.SH OPTIONS\n{}.SH COMMANDS\n",
      version(), roff(app.get_description()), entries_of(app));
  for (const CLI::App* command : commands_of(app)) {
    text += fmt::format(".SS \"contentvec {}\"\n{}.\n{}", roff(command->get_name()),
                        roff(command->get_description()), entries_of(*command));
    if (!command->get_footer().empty()) text += fmt::format(".PP\n{}\n", roff(command->get_footer()));
  }
  text += closing_sections(app);
  text.pop_back();
  return text;
}

}  // namespace

Command add_man(CLI::App& app) {
  CLI::App* parser =
      app.add_subcommand("man", "Print the manual page, for `man -l -` or a file contentvec.1");
  return {parser, [&app] {
            print_or_throw(page(app));
            return kDone;
          }};
}

}  // namespace contentvec::cli
