#include "nn/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "nn/kernels/select.h"

namespace contentvec::nn {
namespace {

std::vector<float> random_matrix(std::mt19937& random, int64_t count) {
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

class MultiplyTest : public testing::TestWithParam<DType> {};

TEST_P(MultiplyTest, IsTheSameForEveryTeamAndPartition) {
  std::mt19937 random(7);
  const Kernels& kernels = select_kernels(GetParam());
  std::vector<std::byte> scratch(static_cast<size_t>(kernels.product_scratch));
  for (int round = 0; round < 20; ++round) {
    const int64_t rows = std::uniform_int_distribution<int64_t>(1, 900)(random);
    const int64_t columns = std::uniform_int_distribution<int64_t>(1, 200)(random);
    const int64_t depth = std::uniform_int_distribution<int64_t>(1, 1300)(random);
    const std::vector<float> a = random_matrix(random, rows * depth);
    const std::vector<float> bias = random_matrix(random, columns);
    const std::vector<float> residual = random_matrix(random, rows * columns);
    const PackedMatrix b(kernels, random_matrix(random, columns * depth), columns, depth, bias);
    std::vector<float> expected(static_cast<size_t>(rows * columns));
    Epilogue epilogue = {.activation = round % 2 == 0 ? kGelu : Activation(),
                         .residual = residual.data(),
                         .residual_stride = columns};
    const Rows left = matrix_rows(a.data(), depth, depth);
    epilogue.bias = b.bias();
    kernels.product(left, rows, b.panels(), columns, expected.data(), columns, epilogue, scratch.data());
    epilogue.bias = nullptr;  // the matrix's own is taken
    std::vector<float> out(expected.size());
    multiply(kernels, left, rows, b, out.data(), columns, epilogue, scratch.data());
    ASSERT_EQ(out, expected) << rows << " x " << columns << " x " << depth;
    for (const int threads : {1, 2, 3, 5}) {
      Machine machine(kernels, threads);
      const Context context = machine.context();
      std::fill(out.begin(), out.end(), 0.0F);
      std::vector<int> whole(static_cast<size_t>(rows));
      multiply(context, left, rows, b, out.data(), columns, epilogue, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const bool as_expected = std::equal(out.begin() + row * columns, out.begin() + (row + 1) * columns,
                                              expected.begin() + row * columns);
          whole[static_cast<size_t>(row)] += as_expected ? 1 : 100;
        }
      });
      ASSERT_EQ(out, expected) << threads << " threads, " << rows << " x " << columns << " x " << depth;
      ASSERT_EQ(whole, std::vector<int>(static_cast<size_t>(rows), 1))
          << "rows_done was early, twice or missing";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, MultiplyTest, testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& test) { return test.param == DType::kF32 ? "f32" : "bf16"; });

TEST(RowStride, KeepsWholeLinesAndAvoidsPowersOfTwo) {
  for (int64_t width = 1; width < 5000; ++width) {
    const int64_t stride = row_stride(width);
    ASSERT_GE(stride, width);
    ASSERT_EQ(stride % 16, 0);
    ASSERT_NE(stride % 256, 0);
  }
}

}  // namespace
}  // namespace contentvec::nn
