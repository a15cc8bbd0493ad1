#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec completion SHELL`: a script that lets a shell complete commands, options and their values.
Command add_completion(CLI::App& app);

}  // namespace contentvec::cli
