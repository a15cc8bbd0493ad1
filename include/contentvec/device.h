#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contentvec/export.h"

namespace contentvec {

/// What weights are kept in and products computed from. Everything else (sums, norms, softmax, residuals, and
/// what goes in and comes out) is float32 in each.
enum class DType {
  kF32,   ///< right to float32 rounding of the reference
  kBF16,  ///< bfloat16: half the memory, and faster where the processor has an instruction for it; about
          ///< three digits
  kF16,   ///< float16: half the memory, about three digits and a half, values to 65504. MLX computes in it,
          ///< the CPU does not; export_model() writes it
};

/// Where a model runs.
enum class Device {
  kAuto,  ///< MLX's GPU on Apple silicon where this build has MLX, else the CPU
  kCpu,   ///< the project's own kernels
  kMlx,   ///< Apple's MLX: on its GPU (Metal, CUDA) where there is one, else on its own CPU kernels
  kGpu,   ///< MLX on its GPU; an Error where there is none
};

/// "f32", "bf16" or "f16". Throws Error for another.
CONTENTVEC_API DType dtype_from_name(std::string_view name);
/// "auto", "cpu", "mlx" or "gpu". Throws Error for another.
CONTENTVEC_API Device device_from_name(std::string_view name);

/// One thing that can be asked for as a device.
struct DeviceInfo {
  std::string name;         ///< as device_from_name() takes it
  bool available = false;   ///< whether this build and this machine can run a model there
  std::string description;  ///< what it is; or why it is not available and what to do
};

/// "auto", "cpu", "mlx" and "gpu", on this build and this machine. Throws nothing but std::bad_alloc, and
/// Error where CONTENTVEC_ISA asks for what this machine has not.
CONTENTVEC_API std::vector<DeviceInfo> devices();

}  // namespace contentvec
