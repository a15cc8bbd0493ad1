#pragma once

#include <vector>

#include "cpu/kernels/kernels.h"

namespace contentvec::cpu {

/// The kernels this build has and this CPU can run, the fastest last; never empty (scalar is always there).
std::vector<const Kernels*> supported_kernels();

/// The fastest of them, or the one the environment variable CONTENTVEC_ISA names (scalar, avx2, avx512,
/// neon). Throws Error when that is unknown or not supported here.
const Kernels& select_kernels();

}  // namespace contentvec::cpu
