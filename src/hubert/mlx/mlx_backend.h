#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hubert/backend.h"
#include "hubert/weights.h"

/// The model on Apple's MLX. Built with -DCONTENTVEC_MLX=ON; without it absent.cc stands in.
namespace contentvec::mlx {

/// Whether this build has MLX.
bool built();
/// Whether MLX finds a GPU on this machine that it can use: Metal on a Mac, CUDA elsewhere. False where it is not
/// built.
bool has_gpu();
/// Whether that GPU is NVIDIA's.
bool has_cuda();
/// MLX's version, or what to do for this build to have it.
std::string description();
/// The GPU's name; "" without one.
std::string gpu_name();

/// Uploads the weights to the GPU, or to MLX's CPU kernels; `dtype` is one that check_dtype() lets pass. Throws Error.
/// `notice`: as LoadOptions has it.
std::unique_ptr<Backend> make_backend(const hubert::Weights& weights, DType dtype, bool gpu,
                                      std::function<void(const std::string&)> notice);

}  // namespace contentvec::mlx
