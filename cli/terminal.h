#pragma once

#include <string>

namespace contentvec::cli {

/// From here on the terminal hands over each key at once and shows none: standard input, or where that is something
/// else, the terminal that the program was started from. It gets its own way back while the program is stopped or in
/// the background. False where there is no terminal.
bool take_terminal();

/// What has been typed since it was last asked, without waiting; "" in the background.
std::string typed_keys();

/// The terminal as it was before, for good; nothing where it is not taken. May be called by a signal's handler.
void give_back_terminal();

}  // namespace contentvec::cli
