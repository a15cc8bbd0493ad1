#pragma once

#include <cstdint>
#include <string_view>

#include "contentvec/converter.h"

namespace contentvec::conversion {

/// Throws Error, "the WHAT of a OWNER is ...", for a value out of range.
void check_range(std::string_view owner, std::string_view what, double value, double least, double most);
/// Throws Error for a speaker that the voice does not have.
void check_speaker(int64_t speaker, const VoiceInfo& voice);

/// Throws Error for an option out of range, or that this voice does not know.
void check_options(const ConvertOptions& options, const VoiceInfo& voice);

}  // namespace contentvec::conversion
