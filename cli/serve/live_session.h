#pragma once

#include "cli/serve/http.h"
#include "cli/serve/settings.h"
#include "cli/serve/studio.h"

namespace contentvec::cli::serve {

inline constexpr int kMostStreams = 2;  ///< at once

/// A conversion as it is spoken, over a WebSocket: docs/serve.md says what goes back and forth. Returns when the other
/// side has closed, or after an error that it was told. Throws Disconnected.
void run_live_session(Channel& channel, Studio& studio, const VoiceArguments& arguments);

}  // namespace contentvec::cli::serve
