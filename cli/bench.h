#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec bench`: how fast a model is here.
Command add_bench(CLI::App& app);

}  // namespace contentvec::cli
