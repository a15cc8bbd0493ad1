#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec extract`: audio files in, feature files out.
Command add_extract(CLI::App& app);

}  // namespace contentvec::cli
