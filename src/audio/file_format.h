#pragma once

#include <cstdint>
#include <string_view>

#include "audio/scanner.h"

namespace contentvec::audio {

/// The name of a format that people have and that is not read here ("WebM or Matroska"), or "".
std::string_view unread_format(Scanner& scan, int64_t begin);

}  // namespace contentvec::audio
