#pragma once

#include <cstdint>

namespace contentvec::cli {

/// The most physical memory this process has held at once, in bytes; 0 where the system does not say.
int64_t peak_memory();

}  // namespace contentvec::cli
