#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// Declares `serve`.
Command add_serve(CLI::App& app);

}  // namespace contentvec::cli
