#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec warmup`: has the kernels compiled that a first extraction on a GPU would have to wait for.
Command add_warmup(CLI::App& app);

}  // namespace contentvec::cli
