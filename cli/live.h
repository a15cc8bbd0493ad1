#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec live`: converts a voice as it is spoken.
Command add_live(CLI::App& app);

}  // namespace contentvec::cli
