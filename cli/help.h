#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec help COMMAND`: what a command takes, or the program.
Command add_help(CLI::App& app);

}  // namespace contentvec::cli
