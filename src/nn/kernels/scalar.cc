#include "nn/kernels/kernels.h"

// Plain C++ for any CPU, and what the other instruction sets are tested against. No fused multiply-add:
// without the instruction it is a slow library call.
namespace contentvec::nn {
namespace {

struct Vec {
  static constexpr int64_t kLanes = 1;
  float r;
  static Vec load(const float* p) { return {*p}; }
  static Vec widen_second(const uint16_t* p) { return widen_first(p + 1); }
  static Vec widen_first(const uint16_t* p) {
    const uint32_t bits = static_cast<uint32_t>(*p) << 16;
    float value;
    __builtin_memcpy(&value, &bits, sizeof(value));
    return {value};
  }
  static Vec load_partial(const float* p, int64_t /*count*/) { return {*p}; }
  static void store(float* p, Vec v) { *p = v.r; }
  static void store_partial(float* p, Vec v, int64_t /*count*/) { *p = v.r; }
  static Vec set(float x) { return {x}; }
  static Vec zero() { return {0.0F}; }
  static Vec add(Vec a, Vec b) { return {a.r + b.r}; }
  static Vec sub(Vec a, Vec b) { return {a.r - b.r}; }
  static Vec mul(Vec a, Vec b) { return {a.r * b.r}; }
  static Vec div(Vec a, Vec b) { return {a.r / b.r}; }
  static Vec fma(Vec a, Vec b, Vec c) { return {a.r * b.r + c.r}; }
  static Vec max(Vec a, Vec b) { return {a.r > b.r ? a.r : b.r}; }
  static Vec min(Vec a, Vec b) { return {a.r < b.r ? a.r : b.r}; }
  static float reduce_add(Vec v) { return v.r; }
  static float reduce_max(Vec v) { return v.r; }
  static Vec round(Vec v) { return {__builtin_rintf(v.r)}; }
  static Vec times_exp2(Vec v, Vec n) {
    uint32_t bits;
    __builtin_memcpy(&bits, &v.r, sizeof(bits));
    bits += static_cast<uint32_t>(static_cast<int32_t>(n.r)) << 23;
    __builtin_memcpy(&v.r, &bits, sizeof(bits));
    return v;
  }
};

struct DoubleSum {
  double sum = 0.0;
  void add(Vec v) { sum += static_cast<double>(v.r); }
  void add_square(Vec v) { sum += static_cast<double>(v.r) * static_cast<double>(v.r); }
  [[nodiscard]] double total() const { return sum; }
};

constexpr int kTileRows = 4;
constexpr int kTileVectors = 2;

#include "nn/kernels/kernels.inc"

}  // namespace

const KernelTables* scalar_kernels() {
  static constexpr Kernels kFloat32 = table<Float32, Float32>("scalar", false, &kFloat32);
  static constexpr Kernels kBfloat16 = table<WidenedBfloat16, Float32>("scalar", true, &kFloat32);
  static constexpr KernelTables kTables = {&kFloat32, &kBfloat16};
  return &kTables;
}

}  // namespace contentvec::nn
