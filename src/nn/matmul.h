#pragma once

#include <algorithm>
#include <cstdint>

#include "nn/context.h"
#include "nn/kernels/kernels.h"
#include "nn/packed_matrix.h"

namespace contentvec::nn {

/// C[rows, columns] = epilogue(A B) on the calling thread, in blocks of rows that stay in cache. The bias is
/// B's own; `epilogue.bias` is not read. `scratch`: Kernels::product_scratch.
void multiply(const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const Epilogue& epilogue, std::byte* scratch);

/// How a product is cut into parts: by blocks of rows, each by groups of columns.
struct Partition {
  int64_t rows;
  int64_t block;  ///< rows of a part
  int64_t row_blocks;
  int64_t columns;
  int64_t group;  ///< columns of a part, whole panels
  int64_t column_groups;

  Partition(const Kernels& kernels, int64_t rows, const PackedMatrix& b, int threads);
};

/// One part of it.
void multiply_part(const Kernels& kernels, const Rows& a, const PackedMatrix& b, const Partition& partition,
                   int64_t part, float* c, int64_t c_stride, const Epilogue& epilogue, std::byte* scratch);

/// The same, partitioned over the team, which changes no bit of the result. As soon as rows [begin, end) are
/// whole, rows_done(begin, end) is called on the thread that finished them.
template <typename RowsDone>
void multiply(const Context& context, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const Epilogue& epilogue, const RowsDone& rows_done) {
  const Partition partition(context.kernels, rows, b, context.team.size());
  Countdown& countdown = context.countdown();
  countdown.start(partition.row_blocks, static_cast<int>(partition.column_groups));
  context.team.parallel_for(partition.row_blocks * partition.column_groups, [&](int64_t part, int thread) {
    multiply_part(context.kernels, a, b, partition, part, c, c_stride, epilogue,
                  context.product_scratch(thread));
    const int64_t block = part / partition.column_groups;
    if (countdown.done(block))
      rows_done(block * partition.block, std::min((block + 1) * partition.block, rows));
  });
}
inline void multiply(const Context& context, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
                     int64_t c_stride, const Epilogue& epilogue = {}) {
  multiply(context, a, rows, b, c, c_stride, epilogue, [](int64_t, int64_t) {});
}

/// Floats from one row of an activation to the next: `width`, rounded up to a cache line, and moved off the
/// multiples of 1 KiB, which would put the rows of a tile into the same few cache sets.
constexpr int64_t row_stride(int64_t width) {
  const int64_t stride = (width + 15) / 16 * 16;
  return stride % 256 == 0 ? stride + 16 : stride;
}

/// A plain [rows, width] matrix as the left side of a product.
inline Rows matrix_rows(const float* data, int64_t stride, int64_t width) {
  return {data, stride, 1, width, 0};
}

}  // namespace contentvec::nn
