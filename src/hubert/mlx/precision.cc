#include "hubert/mlx/precision.h"

#include <cstdlib>
#include <mutex>

#include "runtime/fail.h"

namespace contentvec::mlx {
namespace {

/// The environment has no lock of its own.
void ask_for_tf32(bool wanted) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  ::setenv("MLX_ENABLE_TF32", wanted ? "1" : "0", 1);
}

}  // namespace

bool keeps_float32(mx::Dtype type, mx::Stream stream) {
  constexpr int kSize = 256;  // large enough for the product's usual kernel
  constexpr float kTerm = 1 + 0x1p-12F;
  const mx::array terms = mx::full({kSize, kSize}, kTerm, type, stream);
  const mx::array ones = mx::full({kSize, kSize}, 1.0F, type, stream);
  mx::array sum = mx::astype(mx::matmul(terms, ones, stream), mx::float32, stream);
  sum.eval();
  return sum.data<float>()[0] == kSize * kTerm;  // exact in float32 in any order
}

mx::Stream precise_stream(mx::Device device, DType dtype) {
  ask_for_tf32(dtype == DType::kTF32);
  const mx::Stream stream = mx::new_stream(device);
  if (dtype == DType::kF32 && !keeps_float32(mx::float32, stream)) {
    fail(
        "the dtype \"f32\" is not to be had: in this process MLX computes products in TF32, right to about three "
        "digits, which was settled by a model of dtype tf32 or by other users of MLX before this one was loaded; "
        "load it first, start the process with MLX_ENABLE_TF32=0, or choose tf32");
  }
  if (dtype == DType::kTF32 && keeps_float32(mx::float32, stream)) {
    fail(
        "the dtype \"tf32\" is not to be had: in this process MLX computes products in float32; either that was "
        "settled before this model was loaded, by a model of another dtype, or the GPU has no TF32 (Ampere is the "
        "first that has it); load this one first, or choose f32");
  }
  return stream;
}

}  // namespace contentvec::mlx
