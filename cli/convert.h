#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec convert`: a checkpoint anew as one safetensors file.
Command add_convert(CLI::App& app);

}  // namespace contentvec::cli
