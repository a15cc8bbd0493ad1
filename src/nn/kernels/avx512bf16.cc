#include "nn/kernels/kernels.h"

#if defined(CONTENTVEC_AVX512BF16)
#include <immintrin.h>

namespace contentvec::nn {
namespace {

#include "nn/kernels/avx512.inc"
#include "nn/kernels/kernels.inc"

#include "nn/kernels/avx512bf16.inc"

// Both sides in bfloat16, two products per lane and instruction, added up in float32.
struct Bfloat16Dot {
  using Left = uint16_t;
  using Right = uint16_t;
  static constexpr int kStep = 2;
  static constexpr int kDepthStep = 2;
  static constexpr bool kPacksRows = true;
  static constexpr int64_t kScratchBytes = kPackedRows * kChunkDepth * 2;
  static constexpr int64_t kBlockBytes = 384 << 10;
  static Vec left(const uint16_t* a) {
    int32_t pair;
    __builtin_memcpy(&pair, a, sizeof(pair));
    return {_mm512_castsi512_ps(_mm512_set1_epi32(pair))};
  }
  static Vec right(const uint16_t* b, int vector) {
    return {_mm512_castsi512_ps(_mm512_loadu_si512(b + vector * kLanes * kStep))};
  }
  static Vec multiply_add(Vec a, Vec b, Vec sum) {
    return {_mm512_dpbf16_ps(sum.r, reinterpret<__m512bh>(a.r), reinterpret<__m512bh>(b.r))};
  }
  static uint16_t to_right(float x) { return to_bfloat16(x); }
  static void store_left(uint16_t* to, Vec value) { store_bfloat16(to, value); }
  static constexpr bool kWinograd = true;
  static Vec widened(const uint16_t* panel, int64_t k, int vector) {
    const uint16_t* pairs = panel + k / 2 * 2 * kPanelWidth + vector * kLanes * kStep;
    return k % 2 == 0 ? Vec::widen_first(pairs) : Vec::widen_second(pairs);
  }
  static void pack_row(const float* from, int64_t count, uint16_t* to) { to_bfloat16(from, count, to); }
  using Seen = uint16_t;
  static void store_seen(uint16_t* to, Vec value, int64_t count) {
    const __m512bh converted = _mm512_cvtne2ps_pbh(_mm512_setzero_ps(), value.r);
    const auto mask = static_cast<__mmask32>((uint64_t{1} << count) - 1);
    _mm512_mask_storeu_epi16(to, mask, reinterpret<__m512i>(converted));
  }
};

}  // namespace

const KernelTables* avx512bf16_kernels() {
  static constexpr Kernels kFloat32 = table<Float32, Float32>("avx512bf16", false, &kFloat32);
  static constexpr Kernels kBfloat16 = table<Bfloat16Dot, Bfloat16Dot>("avx512bf16", true, &kFloat32);
  static constexpr KernelTables kTables = {&kFloat32, &kBfloat16};
  return &kTables;
}

}  // namespace contentvec::nn

#else

const contentvec::nn::KernelTables* contentvec::nn::avx512bf16_kernels() {
  return nullptr;
}

#endif
