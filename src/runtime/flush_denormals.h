#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace contentvec {

/// While it lives, the calling thread's CPU takes and gives numbers too small for a full float (below 1.2e-38) as 0:
/// it computes with them up to a hundred times slower, and a signal that dies away gets there. Where the compiler knows
/// no such switch it does nothing.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() : before_(_mm_getcsr()) {
    _mm_setcsr(before_ | kFlush | kTakeAsZero);
  }
  ~FlushDenormals() {
    _mm_setcsr(before_);
  }

 private:
  static constexpr uint32_t kFlush = 1U << 15;
  static constexpr uint32_t kTakeAsZero = 1U << 6;
  uint32_t before_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | kFlush));
  }
  ~FlushDenormals() {
    asm volatile("msr fpcr, %0" : : "r"(before_));
  }

 private:
  static constexpr uint64_t kFlush = 1U << 24;
  uint64_t before_;
#else
  FlushDenormals() = default;
#endif

 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace contentvec
