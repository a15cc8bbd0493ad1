#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec info`: what a checkpoint is.
Command add_info(CLI::App& app);

}  // namespace contentvec::cli
