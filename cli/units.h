#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec units`: features in, the centres of their clusters out.
Command add_units(CLI::App& app);

}  // namespace contentvec::cli
