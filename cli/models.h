#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec models`: the models that have a short name, and which of them are on this machine.
Command add_models(CLI::App& app);

}  // namespace contentvec::cli
