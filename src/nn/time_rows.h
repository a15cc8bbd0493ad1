#pragma once

#include <algorithm>
#include <cstdint>

#include "nn/context.h"
#include "nn/rounding.h"

namespace contentvec::nn {

/// Rows of one item of in_parts(); fixed, so that what is summed by parts does not depend on the threads.
inline constexpr int64_t kPartRows = 64;

inline int64_t parts_of(int64_t rows) {
  return divide_up(rows, kPartRows);
}

/// run(begin, end, part) for parts of all rows, over the team.
template <typename Run>
void in_parts(const Context& context, int64_t rows, const Run& run) {
  context.team.parallel_for(parts_of(rows), [&](int64_t part, int) {
    run(part * kPartRows, std::min((part + 1) * kPartRows, rows), part);
  });
}

/// Zeros before and after the `count` rows of a convolution's input.
inline void clear_around(float* rows, int64_t before, int64_t count, int64_t after, int64_t stride) {
  std::fill_n(rows, before * stride, 0.0F);
  std::fill_n(rows + (before + count) * stride, after * stride, 0.0F);
}

}  // namespace contentvec::nn
