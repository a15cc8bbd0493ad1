#pragma once

#include "contentvec/converter.h"

namespace contentvec::conversion {

/// Throws Error for an option out of range, or that this voice does not know.
void check_options(const ConvertOptions& options, const VoiceInfo& voice);

}  // namespace contentvec::conversion
