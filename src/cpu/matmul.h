#pragma once

#include <cstdint>

#include "cpu/kernels/kernels.h"
#include "cpu/packed_matrix.h"
#include "runtime/thread_team.h"

namespace contentvec::cpu {

/// What a product does after adding the matrix's bias.
struct After {
  bool gelu = false;
  const float* residual = nullptr;  ///< with the output's stride; added last; may be the output itself
};

/// C[rows, columns] = after(A B + bias) on the calling thread, in blocks of rows that stay in cache.
void multiply(const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b, float* c,
              int64_t c_stride, const After& after = {});

/// The same, cut over the team by rows and columns; the cut changes no bit of the result.
void multiply(ThreadTeam& team, const Kernels& kernels, const Rows& a, int64_t rows, const PackedMatrix& b,
              float* c, int64_t c_stride, const After& after = {});

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
