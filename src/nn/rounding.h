#pragma once

#include <cstdint>

namespace contentvec::nn {

/// a / b towards negative infinity, of a positive b.
constexpr int64_t divide_down(int64_t a, int64_t b) {
  return (a >= 0 ? a : a - b + 1) / b;
}

/// a / b towards positive infinity, of a positive b.
constexpr int64_t divide_up(int64_t a, int64_t b) {
  return divide_down(a + b - 1, b);
}

}  // namespace contentvec::nn
