#pragma once

#include "cli/command.h"

namespace contentvec::cli {

/// `contentvec pitch`: audio files to files of their pitch.
Command add_pitch(CLI::App& app);

}  // namespace contentvec::cli
