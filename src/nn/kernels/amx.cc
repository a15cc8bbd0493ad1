#include "nn/kernels/kernels.h"

#if defined(CONTENTVEC_AMX)
#include <immintrin.h>

namespace contentvec::nn {
namespace {

#include "nn/kernels/avx512.inc"
#include "nn/kernels/kernels.inc"

#include "nn/kernels/avx512bf16.inc"

#include "nn/kernels/amx.inc"

}  // namespace

const KernelTables* amx_kernels() {
  static constexpr Kernels kFloat32 = table<Float32, Float32>("amx", false, &kFloat32);
  static constexpr Kernels kBfloat16 = table<TileBfloat16, TileBfloat16>("amx", true, &kFloat32);
  static constexpr KernelTables kTables = {&kFloat32, &kBfloat16};
  return &kTables;
}

}  // namespace contentvec::nn

#else

const contentvec::nn::KernelTables* contentvec::nn::amx_kernels() {
  return nullptr;
}

#endif
