#include "cpu/kernels/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>

namespace contentvec::cpu {
namespace {

struct Vec {
  static constexpr int64_t kLanes = 16;
  __m512 r;
  static __mmask16 mask(int64_t count) { return static_cast<__mmask16>((1U << count) - 1U); }
  static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec load_partial(const float* p, int64_t count) { return {_mm512_maskz_loadu_ps(mask(count), p)}; }
  static void store(float* p, Vec v) { _mm512_storeu_ps(p, v.r); }
  static void store_partial(float* p, Vec v, int64_t count) { _mm512_mask_storeu_ps(p, mask(count), v.r); }
  static Vec set(float x) { return {_mm512_set1_ps(x)}; }
  static Vec zero() { return {_mm512_setzero_ps()}; }
  static Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.r, b.r)}; }
  static Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.r, b.r)}; }
  static Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.r, b.r)}; }
  static Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.r, b.r, c.r)}; }
  static Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.r, b.r)}; }
  static Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.r, b.r)}; }
  static float reduce_add(Vec v) { return _mm512_reduce_add_ps(v.r); }
  static float reduce_max(Vec v) { return _mm512_reduce_max_ps(v.r); }
  static Vec round(Vec v) {
    return {_mm512_roundscale_ps(v.r, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
  }
  static Vec exp2_of(Vec n) {
    const __m512i bits =
        _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n.r), _mm512_set1_epi32(127)), 23);
    return {_mm512_castsi512_ps(bits)};
  }
};

struct DoubleSum {
  __m512d low = _mm512_setzero_pd();
  __m512d high = _mm512_setzero_pd();
  static __m512d low_half(Vec v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v.r)); }
  static __m512d high_half(Vec v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v.r, 1)); }
  void add(Vec v) {
    low = _mm512_add_pd(low, low_half(v));
    high = _mm512_add_pd(high, high_half(v));
  }
  void add_square(Vec v) {
    low = _mm512_fmadd_pd(low_half(v), low_half(v), low);
    high = _mm512_fmadd_pd(high_half(v), high_half(v), high);
  }
  [[nodiscard]] double total() const { return _mm512_reduce_add_pd(_mm512_add_pd(low, high)); }
};

constexpr int kTileRows = 12;
constexpr int kTileVectors = 2;

#include "cpu/kernels/kernels.inc"

}  // namespace

const Kernels* avx512_kernels() {
  static constexpr Kernels kTable = {"avx512", kTileRows, kPanelWidth, product, layer_norm, attention};
  return &kTable;
}

}  // namespace contentvec::cpu

#else

const contentvec::cpu::Kernels* contentvec::cpu::avx512_kernels() {
  return nullptr;
}

#endif
