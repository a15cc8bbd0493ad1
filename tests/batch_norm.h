#pragma once

#include "contentvec/device.h"

namespace contentvec::test {

/// Expects a model with a BatchNorm before its positional convolution to compute, on `device`, what the
/// definition says: x + GELU(conv(BatchNorm(x))), the convolution's padding being zeros after the BatchNorm.
void expect_batch_norm(Device device);

}  // namespace contentvec::test
