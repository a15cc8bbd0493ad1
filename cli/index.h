#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec index`: a folder of features as an index for retrieval.
Command add_index(CLI::App& app);

}  // namespace contentvec::cli
