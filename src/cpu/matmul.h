#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/kernels/kernels.h"
#include "cpu/packed_matrix.h"
#include "cpu/workspace.h"

namespace contentvec::cpu {

/// What a product does after adding the matrix's bias.
struct After {
  bool gelu = false;
  const float* residual = nullptr;  ///< with the output's stride; added last; must not be the output
  bool accumulate = false;          ///< add to what the output holds, before all of it
};

/// C[rows, columns] = after(A B + bias) on the calling thread, in blocks of rows that stay in cache.
/// `scratch`: Kernels::product_scratch.
void multiply(const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const After& after, std::byte* scratch);

/// How a product is cut into parts: by blocks of rows, each by groups of columns.
struct Cut {
  int64_t rows;
  int64_t block;  ///< rows of a part
  int64_t row_blocks;
  int64_t columns;
  int64_t group;  ///< columns of a part, whole panels
  int64_t column_groups;

  Cut(const Kernels& kernels, int64_t rows, const PackedMatrix& b, int threads);
};

/// One part of it.
void multiply_part(const Kernels& kernels, const Rows& a, const PackedMatrix& b, const Cut& cut, int64_t part,
                   float* c, int64_t c_stride, const After& after, std::byte* scratch);

/// C[rows, columns] = after(A B + bias), cut over the team; the cut changes no bit of the result. As soon as
/// rows [begin, end) are whole, rows_done(begin, end) is called on the thread that finished them.
template <typename RowsDone>
void multiply(const Context& context, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const After& after, const RowsDone& rows_done) {
  const Cut cut(context.kernels, rows, b, context.team.size());
  Countdown& countdown = context.workspace.countdown;
  countdown.start(cut.row_blocks, static_cast<int>(cut.column_groups));
  context.team.parallel_for(cut.row_blocks * cut.column_groups, [&](int64_t part, int thread) {
    multiply_part(context.kernels, a, b, cut, part, c, c_stride, after, context.product_scratch(thread));
    const int64_t block = part / cut.column_groups;
    if (countdown.done(block)) rows_done(block * cut.block, std::min((block + 1) * cut.block, rows));
  });
}
inline void multiply(const Context& context, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
                     int64_t c_stride, const After& after = {}) {
  multiply(context, a, rows, b, c, c_stride, after, [](int64_t, int64_t) {});
}

/// Floats from one row of an activation to the next: `width`, rounded up to a cache line, and moved off the
/// multiples of 1 KiB, which would put the rows of a tile into the same few cache sets.
constexpr int64_t row_pitch(int64_t width) {
  const int64_t pitch = (width + 15) / 16 * 16;
  return pitch % 256 == 0 ? pitch + 16 : pitch;
}

/// A plain [rows, width] matrix as the left side of a product.
inline Rows matrix_rows(const float* data, int64_t stride, int64_t width) {
  return {data, stride, 1, width, 0};
}

}  // namespace contentvec::cpu
