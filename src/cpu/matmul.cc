#include "cpu/matmul.h"

#include <algorithm>

namespace contentvec::cpu {
namespace {

/// Rows of A that one pass over the panels takes: about half of a 1 MiB L2, the rest is for the panel.
int64_t rows_per_block(const Kernels& kernels, int64_t depth) {
  constexpr int64_t kBlockBytes = 384 << 10;
  const int64_t tiles = kBlockBytes / (depth * static_cast<int64_t>(sizeof(float)) * kernels.tile_rows);
  return kernels.tile_rows * std::clamp<int64_t>(tiles, 4, 64);
}

/// Columns [first, last) of rows [begin, end).
void multiply_part(const Kernels& kernels, const Rows& a, int64_t begin, int64_t end, const PackedMatrix& b,
                   int64_t first, int64_t last, float* c, int64_t c_stride, const After& after) {
  Rows part = a;
  part.data += begin * a.row_stride;
  const int64_t offset = begin * c_stride + first;
  const Epilogue epilogue = {.bias = b.bias() == nullptr ? nullptr : b.bias() + first,
                             .gelu = after.gelu,
                             .residual = after.residual == nullptr ? nullptr : after.residual + offset,
                             .residual_stride = c_stride};
  kernels.product(part, end - begin, b.panels() + first * b.depth(), last - first, c + offset, c_stride,
                  epilogue);
}

}  // namespace

void multiply(const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const After& after) {
  const int64_t block = rows_per_block(kernels, b.depth());
  for (int64_t row = 0; row < rows; row += block) {
    multiply_part(kernels, a, row, std::min(row + block, rows), b, 0, b.columns(), c, c_stride, after);
  }
}

void multiply(ThreadTeam& team, const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b,
              float* c, int64_t c_stride, const After& after) {
  const int64_t block = std::min(rows_per_block(kernels, b.depth()), rows);
  const int64_t row_blocks = (rows + block - 1) / block;
  // Enough parts for the threads to even out, but no more: a part should stream its panels over many rows.
  const int64_t panels = panels_of(kernels, b.columns());
  const int64_t wanted = team.size() == 1 ? 1 : 4 * team.size();
  const int64_t groups = std::clamp<int64_t>((wanted + row_blocks - 1) / row_blocks, 1, panels);
  const int64_t group = (panels + groups - 1) / groups * kernels.panel_width;
  const int64_t column_groups = (b.columns() + group - 1) / group;
  team.parallel_for(row_blocks * column_groups, [&](int64_t item, int) {
    const int64_t row = item / column_groups * block;
    const int64_t column = item % column_groups * group;
    multiply_part(kernels, a, row, std::min(row + block, rows), b, column,
                  std::min(column + group, b.columns()), c, c_stride, after);
  });
}

}  // namespace contentvec::cpu
