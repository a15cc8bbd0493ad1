#include "nn/kernels/kernels.h"

#if defined(CONTENTVEC_AVX2)
#include <immintrin.h>

namespace contentvec::nn {
namespace {

struct Vec {
  static constexpr int64_t kLanes = 8;
  __m256 r;
  static __m256i mask(int64_t count) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  }
  static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static __m256i pairs(const uint16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static Vec widen_first(const uint16_t* p) { return {_mm256_castsi256_ps(_mm256_slli_epi32(pairs(p), 16))}; }
  static Vec widen_second(const uint16_t* p) {
    const __m256i high = _mm256_set1_epi32(static_cast<int>(0xFFFF0000U));
    return {_mm256_castsi256_ps(_mm256_and_si256(pairs(p), high))};
  }
  static Vec load_partial(const float* p, int64_t count) { return {_mm256_maskload_ps(p, mask(count))}; }
  static void store(float* p, Vec v) { _mm256_storeu_ps(p, v.r); }
  static void store_partial(float* p, Vec v, int64_t count) { _mm256_maskstore_ps(p, mask(count), v.r); }
  static Vec set(float x) { return {_mm256_set1_ps(x)}; }
  static Vec zero() { return {_mm256_setzero_ps()}; }
  static Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.r, b.r)}; }
  static Vec sub(Vec a, Vec b) { return {_mm256_sub_ps(a.r, b.r)}; }
  static Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.r, b.r)}; }
  static Vec div(Vec a, Vec b) { return {_mm256_div_ps(a.r, b.r)}; }
  static Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.r, b.r, c.r)}; }
  static Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.r, b.r)}; }
  static Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.r, b.r)}; }
  static float reduce_add(Vec v) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(v.r), _mm256_extractf128_ps(v.r, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
  }
  static float reduce_max(Vec v) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(v.r), _mm256_extractf128_ps(v.r, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
  }
  static Vec round(Vec v) { return {_mm256_round_ps(v.r, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
  static Vec times_exp2(Vec v, Vec n) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n.r), 23);
    return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v.r), exponent))};
  }
};

struct DoubleSum {
  __m256d low = _mm256_setzero_pd();
  __m256d high = _mm256_setzero_pd();
  static __m256d low_half(Vec v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v.r)); }
  static __m256d high_half(Vec v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v.r, 1)); }
  void add(Vec v) {
    low = _mm256_add_pd(low, low_half(v));
    high = _mm256_add_pd(high, high_half(v));
  }
  void add_square(Vec v) {
    low = _mm256_fmadd_pd(low_half(v), low_half(v), low);
    high = _mm256_fmadd_pd(high_half(v), high_half(v), high);
  }
  [[nodiscard]] double total() const {
    const __m256d sum = _mm256_add_pd(low, high);
    const __m128d x = _mm_add_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd(sum, 1));
    return _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)));
  }
};

constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;

#include "nn/kernels/kernels.inc"

}  // namespace

const KernelTables* avx2_kernels() {
  static constexpr Kernels kFloat32 = table<Float32, Float32>("avx2", false, &kFloat32);
  static constexpr Kernels kBfloat16 = table<WidenedBfloat16, Float32>("avx2", true, &kFloat32);
  static constexpr KernelTables kTables = {&kFloat32, &kBfloat16};
  return &kTables;
}

}  // namespace contentvec::nn

#else

const contentvec::nn::KernelTables* contentvec::nn::avx2_kernels() {
  return nullptr;
}

#endif
