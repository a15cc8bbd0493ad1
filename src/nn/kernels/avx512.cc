#include "nn/kernels/kernels.h"

#if defined(CONTENTVEC_AVX512)
#include <immintrin.h>

namespace contentvec::nn {
namespace {

#include "nn/kernels/avx512.inc"
#include "nn/kernels/kernels.inc"

}  // namespace

const KernelTables* avx512_kernels() {
  static constexpr Kernels kFloat32 = table<Float32, Float32>("avx512", false, &kFloat32);
  static constexpr Kernels kBfloat16 = table<WidenedBfloat16, Float32>("avx512", true, &kFloat32);
  static constexpr KernelTables kTables = {&kFloat32, &kBfloat16};
  return &kTables;
}

}  // namespace contentvec::nn

#else

const contentvec::nn::KernelTables* contentvec::nn::avx512_kernels() {
  return nullptr;
}

#endif
