#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contentvec/export.h"

namespace contentvec {

/// What weights are kept in and products computed from. Everything else (sums, norms, softmax, residuals, and
/// what goes in and comes out) is float32 in each.
enum class DType {
  /// float32: right to float32 rounding of the reference, whatever MLX_ENABLE_TF32 says.
  kF32,
  /// bfloat16: half the memory, and faster where the processor has an instruction for it; right to about
  /// three digits.
  kBF16,
  /// float16: half the memory, values to 65504; right to about three digits and a half. MLX computes in it,
  /// the CPU does not; export_model() writes it.
  kF16,
  /// float32 whose products take the first eleven bits of each side (NVIDIA's TF32): as large as float32, right
  /// to about three digits. On MLX with CUDA alone, and for all models of a process or for none.
  kTF32,
};

/// Where a model runs.
enum class Device {
  kAuto,  ///< MLX's GPU where this build has MLX and the machine a GPU it can use, else the CPU.
  kCpu,   ///< This library's own kernels.
  kMlx,   ///< Apple's MLX: its GPU (Metal, CUDA) where there is one, else its own CPU kernels.
  kGpu,   ///< MLX on its GPU; an Error where there is none.
};

/// The type of this name: "f32", "bf16", "f16" or "tf32". Throws Error for another.
CONTENTVEC_API DType dtype_from_name(std::string_view name);
/// The device of this name: "auto", "cpu", "mlx" or "gpu". Throws Error for another.
CONTENTVEC_API Device device_from_name(std::string_view name);
/// The name of this device.
CONTENTVEC_API std::string_view device_name(Device device);

/// One thing that can be asked for as a device.
struct DeviceInfo {
  std::string name;         ///< As device_from_name() takes it.
  bool available = false;   ///< This build and this machine can run a model there.
  std::string description;  ///< What it is; or why it is not available and what to do.
};

/// What each device is with this build on this machine: "auto", "cpu", "mlx" and "gpu", in this order. May be
/// called from any thread. Throws Error where CONTENTVEC_ISA asks for what this machine does not have.
CONTENTVEC_API std::vector<DeviceInfo> devices();

}  // namespace contentvec
