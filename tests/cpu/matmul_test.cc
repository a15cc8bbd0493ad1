#include "cpu/matmul.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "cpu/kernels/select.h"

namespace contentvec::cpu {
namespace {

std::vector<float> random_values(std::mt19937& random, int64_t count) {
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

TEST(Multiply, IsTheSameForEveryTeamAndCut) {
  std::mt19937 random(7);
  const Kernels& kernels = select_kernels();
  for (int round = 0; round < 20; ++round) {
    const int64_t rows = std::uniform_int_distribution<int64_t>(1, 400)(random);
    const int64_t columns = std::uniform_int_distribution<int64_t>(1, 200)(random);
    const int64_t depth = std::uniform_int_distribution<int64_t>(1, 700)(random);
    const std::vector<float> a = random_values(random, rows * depth);
    const std::vector<float> bias = random_values(random, columns);
    const std::vector<float> residual = random_values(random, rows * columns);
    const PackedMatrix b(kernels, random_values(random, columns * depth), columns, depth, bias);
    std::vector<float> expected(static_cast<size_t>(rows * columns));
    const After after = {.gelu = round % 2 == 0, .residual = residual.data()};
    kernels.product(matrix_rows(a.data(), depth, depth), rows, b.panels(), columns, expected.data(), columns,
                    {b.bias(), after.gelu, residual.data(), columns});
    std::vector<float> out(expected.size());
    multiply(kernels, matrix_rows(a.data(), depth, depth), rows, b, out.data(), columns, after);
    ASSERT_EQ(out, expected) << rows << " x " << columns << " x " << depth;
    for (const int threads : {1, 2, 3, 5}) {
      ThreadTeam team(threads);
      std::fill(out.begin(), out.end(), 0.0F);
      multiply(team, kernels, matrix_rows(a.data(), depth, depth), rows, b, out.data(), columns, after);
      ASSERT_EQ(out, expected) << threads << " threads, " << rows << " x " << columns << " x " << depth;
    }
  }
}

TEST(RowPitch, KeepsWholeLinesAndAvoidsPowersOfTwo) {
  for (int64_t width = 1; width < 5000; ++width) {
    const int64_t pitch = row_pitch(width);
    ASSERT_GE(pitch, width);
    ASSERT_EQ(pitch % 16, 0);
    ASSERT_NE(pitch % 256, 0);
  }
}

}  // namespace
}  // namespace contentvec::cpu
