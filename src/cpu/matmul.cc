#include "cpu/matmul.h"

namespace contentvec::cpu {
namespace {

int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// Rows of A that one pass over the panels takes, all passes alike: so many that what a kernel reads of them
/// at a time stays in L2 beside the panel.
int64_t rows_per_block(const Kernels& kernels, int64_t rows, int64_t depth) {
  const int64_t most =
      kernels.block_bytes / (std::min(depth, kChunkDepth) * static_cast<int64_t>(sizeof(float)));
  const int64_t blocks = divide_up(rows, std::clamp<int64_t>(most, int64_t{4} * kernels.tile_rows, 512));
  return std::max<int64_t>(1, divide_up(rows, blocks));
}

}  // namespace

Cut::Cut(const Kernels& kernels, int64_t all_rows, const PackedMatrix& b, int threads)
    : rows(all_rows),
      block(rows_per_block(kernels, rows, b.depth())),
      row_blocks(divide_up(rows, block)),
      columns(b.columns()) {
  // Enough parts for the threads to even out, but no more: a part should stream its panels over many rows.
  const int64_t panels = panels_of(kernels, columns);
  const int64_t wanted = threads == 1 ? 1 : 4 * threads;
  const int64_t groups = std::clamp<int64_t>(divide_up(wanted, row_blocks), 1, panels);
  group = divide_up(panels, groups) * kernels.panel_width;
  column_groups = divide_up(columns, group);
}

void multiply_part(const Kernels& kernels, const Rows& a, const PackedMatrix& b, const Cut& cut, int64_t part,
                   float* c, int64_t c_stride, const After& after, std::byte* scratch) {
  const int64_t row = part / cut.column_groups * cut.block;
  const int64_t column = part % cut.column_groups * cut.group;
  Rows here = a;
  here.data += row * a.row_stride;
  const int64_t offset = row * c_stride + column;
  const Epilogue epilogue = {.bias = b.bias() == nullptr ? nullptr : b.bias() + column,
                             .gelu = after.gelu,
                             .residual = after.residual == nullptr ? nullptr : after.residual + offset,
                             .residual_stride = c_stride,
                             .accumulate = after.accumulate};
  kernels.product(here, std::min(cut.block, cut.rows - row), b.panels(column),
                  std::min(cut.group, cut.columns - column), c + offset, c_stride, epilogue, scratch);
}

void multiply(const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const After& after, std::byte* scratch) {
  if (rows == 0) return;
  const Cut cut(kernels, rows, b, 1);
  for (int64_t part = 0; part < cut.row_blocks; ++part) {
    multiply_part(kernels, a, b, cut, part, c, c_stride, after, scratch);
  }
}

}  // namespace contentvec::cpu
