#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec voices`: the voices below a folder, each with its index.
Command add_voices(CLI::App& app);

}  // namespace contentvec::cli
