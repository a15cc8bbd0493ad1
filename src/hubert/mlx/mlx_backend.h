#pragma once

#include <memory>
#include <string>

#include "hubert/backend.h"
#include "hubert/weights.h"

/// The model on Apple's MLX. Built with -DCONTENTVEC_MLX=ON; without it absent.cc stands in.
namespace contentvec::mlx {

/// Whether this build has MLX.
bool built();
/// Whether MLX finds a GPU on this machine: Metal on a Mac, CUDA elsewhere. False where it is not built.
bool has_gpu();
/// MLX's version, or what to do for this build to have it.
std::string description();
/// The GPU's name; "" without one.
std::string gpu_name();

/// Uploads the weights to the GPU, or to MLX's CPU kernels. Throws Error.
std::unique_ptr<Backend> make_backend(const hubert::Weights& weights, DType dtype, bool gpu);

}  // namespace contentvec::mlx
