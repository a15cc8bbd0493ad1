#pragma once

#include "contentvec/device.h"
#include "hubert/mlx/parameters.h"

namespace contentvec::mlx {

/// A new stream on `device` where products of float32 are what `dtype` says: float32, or for kTF32 NVIDIA's TF32. MLX
/// reads MLX_ENABLE_TF32 once in a process, with the first product on an NVIDIA GPU: it is set here, whatever it said
/// before, and what a small product gives tells whether that came in time. Throws Error where it did not.
mx::Stream precise_stream(mx::Device device, DType dtype);

/// Whether the sides of a product of `type` keep more bits than TF32's eleven, found out by one.
bool keeps_float32(mx::Dtype type, mx::Stream stream);

}  // namespace contentvec::mlx
