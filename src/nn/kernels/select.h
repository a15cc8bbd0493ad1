#pragma once

#include <vector>

#include "contentvec/device.h"
#include "nn/kernels/kernels.h"

namespace contentvec::nn {

/// The kernels for weights of `dtype` (kF32 or kBF16) that this build has and this CPU can run, the fastest
/// last; never empty (scalar is always there).
std::vector<const Kernels*> supported_kernels(DType dtype);

/// The fastest of them, or those of the instruction set that the environment variable CONTENTVEC_ISA names
/// (scalar, avx2, avx512, avx512bf16, neon). Throws Error when that is unknown or not supported here, and for
/// kF16 and kTF32.
const Kernels& select_kernels(DType dtype);

}  // namespace contentvec::nn
