#pragma once

#include "contentvec/device.h"

namespace contentvec {

/// What `device` stands for on this build and this machine: kCpu, kMlx (on MLX's own CPU kernels) or kGpu.
/// Throws Error where it is not to be had.
Device settle_device(Device device);

/// Throws Error where a model on `device`, as settle_device() gives it, is not computed in `dtype` on this machine.
void check_dtype(DType dtype, Device device);

}  // namespace contentvec
