#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec convert`: recordings in another voice.
Command add_convert(CLI::App& app);

}  // namespace contentvec::cli
