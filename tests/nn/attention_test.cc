#include "nn/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/matmul.h"
#include "nn/random_test.h"

namespace contentvec::nn {
namespace {

/// One head's attention with relative positions, in double.
struct ExactHead {
  const std::vector<float>& qkv;  ///< [rows, 3 width]
  int64_t stride;
  int64_t width;
  const std::vector<float>& keys;    ///< [2 reach + 1, head_dim]
  const std::vector<float>& values;  ///< likewise
  int64_t reach;
  int64_t head_dim;

  [[nodiscard]] double at(int64_t row, int64_t column) const {
    return static_cast<double>(qkv[static_cast<size_t>(row * stride + column)]);
  }
  /// Of a table of relative positions, 0 where they are too far apart.
  [[nodiscard]] double relative(const std::vector<float>& table, int64_t distance, int64_t i) const {
    if (std::abs(distance) > reach) return 0;
    return static_cast<double>(table[static_cast<size_t>((distance + reach) * head_dim + i)]);
  }
  [[nodiscard]] std::vector<double> row(int64_t query, int64_t first, int64_t rows, int64_t head) const {
    std::vector<double> p(static_cast<size_t>(rows));
    const int64_t column = head * head_dim;
    for (int64_t j = 0; j < rows; ++j) {
      double score = 0;
      for (int64_t i = 0; i < head_dim; ++i) {
        score += at(first + query, column + i) *
                 (at(first + j, width + column + i) + relative(keys, j - query, i));
      }
      p[static_cast<size_t>(j)] = score;
    }
    const double largest = *std::max_element(p.begin(), p.end());
    double total = 0;
    for (double& score : p) total += score = std::exp(score - largest);
    std::vector<double> out(static_cast<size_t>(head_dim));
    for (int64_t j = 0; j < rows; ++j) {
      for (int64_t i = 0; i < head_dim; ++i) {
        out[static_cast<size_t>(i)] +=
            p[static_cast<size_t>(j)] / total *
            (at(first + j, 2 * width + column + i) + relative(values, j - query, i));
      }
    }
    return out;
  }
};

class AttentionTest : public RandomTest {
 protected:
  AttentionTest() : RandomTest(20261127) {}
};

TEST_P(AttentionTest, RelativePositionsOfRandomShapes) {
  for (int round = 0; round < 12; ++round) {
    const int64_t heads = pick(1, 3);
    const int64_t head_dim = pick(1, kernels().panel_width + 3);
    const int64_t reach = pick(0, 10);
    const int64_t width = heads * head_dim;
    Sequences sequences;
    for (int64_t count = pick(1, 3); count > 0; --count) sequences.add(pick(1, 130));
    const std::vector<float> qkv = values(sequences.rows() * 3 * width);
    const std::vector<float> keys = values((2 * reach + 1) * head_dim);
    const std::vector<float> relative_values = values((2 * reach + 1) * head_dim);
    const RelativePositions positions(kernels(), keys, relative_values, head_dim);
    ASSERT_EQ(positions.reach, reach);

    Machine machine(kernels(), 1 + round % 3);
    SelfAttention attention;
    attention.start(kernels(), heads, head_dim, sequences);
    attention.take(0, sequences.rows(), qkv.data(), 3 * width);
    attention.run(machine.context(), sequences, positions);

    const ExactHead exact = {qkv, 3 * width, width, keys, relative_values, reach, head_dim};
    for (const Sequence& sequence : sequences.all()) {
      for (int64_t row = 0; row < sequence.rows; ++row) {
        for (int64_t head = 0; head < heads; ++head) {
          const std::vector<double> expected = exact.row(row, sequence.first, sequence.rows, head);
          const float* found =
              attention.rows() + (sequence.first + row) * row_stride(width) + head * head_dim;
          for (int64_t i = 0; i < head_dim; ++i)
            ASSERT_NEAR(found[i], expected[static_cast<size_t>(i)], 1e-5)
                << "row " << row << " of " << sequence.rows << ", reach " << reach << ", head " << head;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, AttentionTest, testing::ValuesIn(supported_kernels(DType::kF32)),
                         [](const auto& test) { return std::string(test.param->isa); });

}  // namespace
}  // namespace contentvec::nn
