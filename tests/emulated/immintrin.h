#pragma once

// What src/nn/kernels/avx512*.cc use of AVX-512, in plain C++, so that their tests run on a CPU without it:
// found before the compiler's own header by scripts/test-avx512. Lane by lane, as Intel's Intrinsics Guide
// defines them.

#include <cmath>
#include <cstdint>
#include <cstring>

// NOLINTBEGIN
struct __m512 {
  float lane[16];
};
struct __m512d {
  double lane[8];
};
struct __m512i {
  uint32_t lane[16];
};
struct __m512bh {
  uint16_t lane[32];
};
struct __m256bh {
  uint16_t lane[16];
};
struct __m256 {
  float lane[8];
};
struct __m256i {
  uint16_t lane[16];
};
using __mmask16 = uint16_t;
using __mmask32 = uint32_t;
constexpr int _MM_FROUND_TO_NEAREST_INT = 0;
constexpr int _MM_FROUND_NO_EXC = 8;

namespace emulated {

template <typename To, typename From>
To bits(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}
template <typename Register, typename Function>
Register lanes(Function function) {
  Register r;
  int i = 0;
  for (auto& lane : r.lane) lane = function(i++);
  return r;
}
inline float flushed(float x) {
  return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0F, x) : x;
}
inline float from_bfloat16(uint16_t x) {
  return flushed(bits<float>(static_cast<uint32_t>(x) << 16));
}
inline uint16_t to_bfloat16(float x) {
  const uint32_t b = bits<uint32_t>(flushed(x));
  if (std::isnan(x)) return static_cast<uint16_t>(b >> 16 | 0x40U);
  return static_cast<uint16_t>((b + 0x7FFFU + (b >> 16 & 1U)) >> 16);
}
template <typename Register>
auto sum(const Register& r) {
  auto total = r.lane[0] - r.lane[0];
  for (auto lane : r.lane) total += lane;
  return total;
}

}  // namespace emulated

inline __m512 _mm512_loadu_ps(const float* p) {
  return emulated::lanes<__m512>([&](int i) { return p[i]; });
}
inline __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float* p) {
  return emulated::lanes<__m512>([&](int i) { return (mask >> i & 1) != 0 ? p[i] : 0.0F; });
}
inline void _mm512_storeu_ps(float* p, __m512 v) {
  std::memcpy(p, v.lane, sizeof(v));
}
inline void _mm512_mask_storeu_ps(float* p, __mmask16 mask, __m512 v) {
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1) != 0) p[i] = v.lane[i];
  }
}
inline __m512i _mm512_loadu_si512(const void* p) {
  __m512i v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
inline void _mm512_storeu_si512(void* p, __m512i v) {
  std::memcpy(p, &v, sizeof(v));
}
inline __m512 _mm512_set1_ps(float x) {
  return emulated::lanes<__m512>([&](int) { return x; });
}
inline __m512i _mm512_set1_epi32(int x) {
  return emulated::lanes<__m512i>([&](int) { return static_cast<uint32_t>(x); });
}
inline __m512 _mm512_setzero_ps() {
  return _mm512_set1_ps(0.0F);
}
inline __m512d _mm512_setzero_pd() {
  return emulated::lanes<__m512d>([](int) { return 0.0; });
}
inline __m512 _mm512_add_ps(__m512 a, __m512 b) {
  return emulated::lanes<__m512>([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline __m512 _mm512_sub_ps(__m512 a, __m512 b) {
  return emulated::lanes<__m512>([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline __m512 _mm512_mul_ps(__m512 a, __m512 b) {
  return emulated::lanes<__m512>([&](int i) { return a.lane[i] * b.lane[i]; });
}
inline __m512 _mm512_div_ps(__m512 a, __m512 b) {
  return emulated::lanes<__m512>([&](int i) { return a.lane[i] / b.lane[i]; });
}
inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  return emulated::lanes<__m512>([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
inline __m512 _mm512_max_ps(__m512 a, __m512 b) {
  return emulated::lanes<__m512>([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline __m512 _mm512_min_ps(__m512 a, __m512 b) {
  return emulated::lanes<__m512>([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline __m512 _mm512_scalef_ps(__m512 a, __m512 b) {
  return emulated::lanes<__m512>([&](int i) { return a.lane[i] * std::exp2(std::floor(b.lane[i])); });
}
inline __m512d _mm512_add_pd(__m512d a, __m512d b) {
  return emulated::lanes<__m512d>([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline __m512d _mm512_fmadd_pd(__m512d a, __m512d b, __m512d c) {
  return emulated::lanes<__m512d>([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
inline float _mm512_reduce_add_ps(__m512 v) {
  return emulated::sum(v);
}
inline double _mm512_reduce_add_pd(__m512d v) {
  return emulated::sum(v);
}
inline float _mm512_reduce_max_ps(__m512 v) {
  float highest = v.lane[0];
  for (const float lane : v.lane) highest = lane > highest ? lane : highest;
  return highest;
}
inline __m512 _mm512_roundscale_ps(__m512 v, int /*to nearest*/) {
  return emulated::lanes<__m512>([&](int i) { return std::nearbyint(v.lane[i]); });
}
inline __m512i _mm512_and_si512(__m512i a, __m512i b) {
  return emulated::lanes<__m512i>([&](int i) { return a.lane[i] & b.lane[i]; });
}
inline __m512i _mm512_slli_epi32(__m512i a, unsigned count) {
  return emulated::lanes<__m512i>([&](int i) { return a.lane[i] << count; });
}
inline __m512 _mm512_castsi512_ps(__m512i v) {
  return emulated::bits<__m512>(v);
}
inline __m256 _mm512_castps512_ps256(__m512 v) {
  return emulated::lanes<__m256>([&](int i) { return v.lane[i]; });
}
inline __m256 _mm512_extractf32x8_ps(__m512 v, int half) {
  return emulated::lanes<__m256>([&](int i) { return v.lane[8 * half + i]; });
}
inline __m512d _mm512_cvtps_pd(__m256 v) {
  return emulated::lanes<__m512d>([&](int i) { return static_cast<double>(v.lane[i]); });
}
inline void _mm512_mask_storeu_epi16(void* p, __mmask32 mask, __m512i v) {
  uint16_t lane[32];
  std::memcpy(lane, &v, sizeof(lane));
  for (int i = 0; i < 32; ++i) {
    if ((mask >> i & 1U) != 0) std::memcpy(static_cast<uint16_t*>(p) + i, lane + i, sizeof(lane[i]));
  }
}
/// The first argument's lanes come out above the second's.
inline __m512bh _mm512_cvtne2ps_pbh(__m512 high, __m512 low) {
  return emulated::lanes<__m512bh>(
      [&](int i) { return emulated::to_bfloat16(i < 16 ? low.lane[i] : high.lane[i - 16]); });
}
inline __m256bh _mm512_cvtneps_pbh(__m512 v) {
  return emulated::lanes<__m256bh>([&](int i) { return emulated::to_bfloat16(v.lane[i]); });
}
inline void _mm256_storeu_si256(__m256i* p, __m256i v) {
  std::memcpy(p, &v, sizeof(v));
}
/// Two products a lane, the odd ones first; subnormal inputs and results count as zero.
inline __m512 _mm512_dpbf16_ps(__m512 sum, __m512bh a, __m512bh b) {
  return emulated::lanes<__m512>([&](int i) {
    const auto product = [&](int k, float to) {
      return emulated::flushed(std::fma(emulated::from_bfloat16(a.lane[k]),
                                        emulated::from_bfloat16(b.lane[k]), emulated::flushed(to)));
    };
    return product(2 * i, product(2 * i + 1, sum.lane[i]));
  });
}
// NOLINTEND
