#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec export`: a checkpoint anew as one safetensors file.
Command add_export(CLI::App& app);

}  // namespace contentvec::cli
