#include "nn/matmul.h"

#include "nn/rounding.h"

namespace contentvec::nn {
namespace {

/// Rows of A that one pass over the panels takes, all passes alike: so many that what a kernel reads of them
/// at a time stays in L2 beside the panel.
int64_t rows_per_block(const Kernels& kernels, int64_t rows, int64_t depth) {
  const int64_t most =
      kernels.block_bytes / (std::min(depth, kChunkDepth) * static_cast<int64_t>(sizeof(float)));
  const int64_t blocks = divide_up(rows, std::clamp<int64_t>(most, int64_t{4} * kernels.tile_rows, 512));
  return std::max<int64_t>(1, divide_up(rows, blocks));
}

}  // namespace

Partition::Partition(const Kernels& kernels, int64_t all_rows, const PackedMatrix& b, int threads)
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

void multiply_part(const Kernels& kernels, const Rows& a, const PackedMatrix& b, const Partition& partition,
                   int64_t part, float* c, int64_t c_stride, const Epilogue& epilogue, std::byte* scratch) {
  const int64_t row = part / partition.column_groups * partition.block;
  const int64_t column = part % partition.column_groups * partition.group;
  Rows here = a;
  here.data += row * a.row_stride;
  Epilogue of_part = epilogue;
  of_part.bias = b.bias() == nullptr ? nullptr : b.bias() + column;
  if (epilogue.residual != nullptr) of_part.residual += row * epilogue.residual_stride + column;
  kernels.product(here, std::min(partition.block, partition.rows - row), b.panels(column),
                  std::min(partition.group, partition.columns - column), c + row * c_stride + column,
                  c_stride, of_part, scratch);
}

void multiply(const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const Epilogue& epilogue, std::byte* scratch) {
  if (rows == 0) return;
  const Partition partition(kernels, rows, b, 1);
  for (int64_t part = 0; part < partition.row_blocks; ++part) {
    multiply_part(kernels, a, b, partition, part, c, c_stride, epilogue, scratch);
  }
}

}  // namespace contentvec::nn
