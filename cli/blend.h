#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec blend`: a voice between others.
Command add_blend(CLI::App& app);

}  // namespace contentvec::cli
