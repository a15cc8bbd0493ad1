// Stands in for the MLX backend in a build without it.

#include "hubert/mlx/mlx_backend.h"
#include "runtime/fail.h"

namespace contentvec::mlx {

bool built() {
  return false;
}

bool has_gpu() {
  return false;
}

bool has_cuda() {
  return false;
}

std::string description() {
  return "this build has no MLX; configure it with -DCONTENTVEC_MLX=ON (docs/gpu.md)";
}

std::string gpu_name() {
  return "";
}

std::unique_ptr<Backend> make_backend(const hubert::Weights& /*weights*/, DType /*dtype*/, bool /*gpu*/,
                                      std::function<void(const std::string&)> /*notice*/) {
  fail("{}", description());
}

}  // namespace contentvec::mlx
