#pragma once

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <string>
#include <vector>

namespace contentvec::cli {

/// The arguments in the order the parser takes them: the last one first. The parser would read an input named
/// "[a,b]" as a list of two; as "./[a,b]" it is the same file, and only that.
std::vector<std::string> arguments_of(int argc, const char* const* argv);

/// The help of a command, or of the program.
std::string help_of(const CLI::App& command);

/// The commands of the program, and the options of a command, which begin with '-'.
std::vector<const CLI::App*> commands_of(const CLI::App& app);
std::vector<const CLI::Option*> options_of(const CLI::App& command);

/// The names of a command's options as they are typed: "-o", "--out".
std::vector<std::string> names_of(const CLI::Option& option);

/// What an option's value may be, where that is a choice of few words.
std::vector<std::string> choices_of(const CLI::Option& option);

/// Prints what is wrong with a command line, or what it asked for (--help, --version). Returns the exit code.
int finish_parsing(const CLI::App& app, const CLI::ParseError& error);

/// Prints what is wrong, and where the help is. Returns the exit code.
int usage_error(const std::string& message, const std::string& command);

}  // namespace contentvec::cli
