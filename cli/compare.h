#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec compare`: how far two extractions of the same recording are apart.
Command add_compare(CLI::App& app);

}  // namespace contentvec::cli
