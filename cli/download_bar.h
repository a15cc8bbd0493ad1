#pragma once

#include "contentvec/hub.h"

namespace contentvec::cli {

/// Where models come from, with downloads shown on standard error: a bar on a terminal, else one line as each
/// file begins. Files too small to wait for are not shown.
HubOptions hub_options();

}  // namespace contentvec::cli
