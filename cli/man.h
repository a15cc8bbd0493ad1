#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec man`: the manual page, made from what the commands declare.
Command add_man(CLI::App& app);

}  // namespace contentvec::cli
