#include "cpu/kernels/kernels.h"

#if defined(CONTENTVEC_AVX512)
#include <immintrin.h>

namespace contentvec::cpu {
namespace {

#include "cpu/kernels/avx512.inc"
#include "cpu/kernels/kernels.inc"

}  // namespace

const KernelTables* avx512_kernels() {
  static constexpr Kernels kFloat32 = table<Float32, Float32>("avx512", false, &kFloat32);
  static constexpr Kernels kBfloat16 = table<WidenedBfloat16, Float32>("avx512", true, &kFloat32);
  static constexpr KernelTables kTables = {&kFloat32, &kBfloat16};
  return &kTables;
}

}  // namespace contentvec::cpu

#else

const contentvec::cpu::KernelTables* contentvec::cpu::avx512_kernels() {
  return nullptr;
}

#endif
