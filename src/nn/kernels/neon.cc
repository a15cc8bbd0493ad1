#include "nn/kernels/kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace contentvec::nn {
namespace {

struct Vec {
  static constexpr int64_t kLanes = 4;
  float32x4_t r;
  static Vec load(const float* p) { return {vld1q_f32(p)}; }
  static uint32x4_t pairs(const uint16_t* p) { return vreinterpretq_u32_u16(vld1q_u16(p)); }
  static Vec widen_first(const uint16_t* p) { return {vreinterpretq_f32_u32(vshlq_n_u32(pairs(p), 16))}; }
  static Vec widen_second(const uint16_t* p) {
    return {vreinterpretq_f32_u32(vandq_u32(pairs(p), vdupq_n_u32(0xFFFF0000U)))};
  }
  static Vec load_partial(const float* p, int64_t count) {
    float lanes[4] = {};
    for (int64_t i = 0; i < count; ++i) lanes[i] = p[i];
    return load(lanes);
  }
  static void store(float* p, Vec v) { vst1q_f32(p, v.r); }
  static void store_partial(float* p, Vec v, int64_t count) {
    float lanes[4];
    store(lanes, v);
    for (int64_t i = 0; i < count; ++i) p[i] = lanes[i];
  }
  static Vec set(float x) { return {vdupq_n_f32(x)}; }
  static Vec zero() { return {vdupq_n_f32(0.0F)}; }
  static Vec add(Vec a, Vec b) { return {vaddq_f32(a.r, b.r)}; }
  static Vec sub(Vec a, Vec b) { return {vsubq_f32(a.r, b.r)}; }
  static Vec mul(Vec a, Vec b) { return {vmulq_f32(a.r, b.r)}; }
  static Vec div(Vec a, Vec b) { return {vdivq_f32(a.r, b.r)}; }
  static Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.r, a.r, b.r)}; }
  static Vec max(Vec a, Vec b) { return {vmaxq_f32(a.r, b.r)}; }
  static Vec min(Vec a, Vec b) { return {vminq_f32(a.r, b.r)}; }
  static float reduce_add(Vec v) { return vaddvq_f32(v.r); }
  static float reduce_max(Vec v) { return vmaxvq_f32(v.r); }
  static Vec round(Vec v) { return {vrndnq_f32(v.r)}; }
  static Vec times_exp2(Vec v, Vec n) {
    const int32x4_t exponent = vshlq_n_s32(vcvtq_s32_f32(n.r), 23);
    return {vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(v.r), exponent))};
  }
};

struct DoubleSum {
  float64x2_t low = vdupq_n_f64(0.0);
  float64x2_t high = vdupq_n_f64(0.0);
  static float64x2_t low_half(Vec v) { return vcvt_f64_f32(vget_low_f32(v.r)); }
  static float64x2_t high_half(Vec v) { return vcvt_high_f64_f32(v.r); }
  void add(Vec v) {
    low = vaddq_f64(low, low_half(v));
    high = vaddq_f64(high, high_half(v));
  }
  void add_square(Vec v) {
    low = vfmaq_f64(low, low_half(v), low_half(v));
    high = vfmaq_f64(high, high_half(v), high_half(v));
  }
  [[nodiscard]] double total() const { return vaddvq_f64(vaddq_f64(low, high)); }
};

constexpr int kTileRows = 8;
constexpr int kTileVectors = 2;

#include "nn/kernels/kernels.inc"

}  // namespace

const KernelTables* neon_kernels() {
  static constexpr Kernels kFloat32 = table<Float32, Float32>("neon", false, &kFloat32);
  static constexpr Kernels kBfloat16 = table<WidenedBfloat16, Float32>("neon", true, &kFloat32);
  static constexpr KernelTables kTables = {&kFloat32, &kBfloat16};
  return &kTables;
}

}  // namespace contentvec::nn

#else

const contentvec::nn::KernelTables* contentvec::nn::neon_kernels() {
  return nullptr;
}

#endif
