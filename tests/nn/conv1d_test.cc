#include "nn/conv1d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/matmul.h"
#include "nn/random_test.h"

namespace contentvec::nn {
namespace {

class Conv1dTest : public RandomTest {
 protected:
  Conv1dTest() : RandomTest(11) {}

  /// Runs a convolution of `shape` over random rows and compares it with the sum that defines it.
  void check(const ConvShape& shape, int64_t rows, Conv1d::Form form) {
    const int64_t in_stride = row_stride(shape.in) + pick(0, 3);
    const int64_t out_stride = row_stride(shape.out);
    const int64_t in = shape.in / shape.groups;
    const int64_t out = shape.out / shape.groups;
    const std::vector<float> weight = values(shape.out * shape.kernel * in);
    const std::vector<float> bias = values(shape.out);
    const Conv1d conv(kernels(), shape, weight, bias, form);
    std::vector<float> input = values(conv.inputs_of({0, rows}).count() * in_stride);
    const std::vector<float> x = input;  // a FastFir changes its input
    std::vector<float> output = values(rows * out_stride);
    const std::vector<float> residual = values(rows * out_stride);
    std::vector<std::byte> scratch = product_scratch();

    std::vector<float> conv_scratch(static_cast<size_t>(conv.scratch_size()));
    conv.run(kernels(), input.data(), in_stride, rows, output.data(), out_stride,
             {.activation = {Activation::Kind::kLeakyRelu, 0.1F},
              .residual = residual.data(),
              .residual_stride = out_stride},
             conv_scratch.data(), scratch.data());

    const double unit = kernels().bfloat16 ? 1.0 / 128 : 1e-6;
    for (int64_t t = 0; t < rows; ++t) {
      for (int64_t o = 0; o < shape.out; ++o) {
        double sum = 0;
        double magnitude = 1;
        for (int64_t k = 0; k < shape.kernel; ++k) {
          for (int64_t i = 0; i < in; ++i) {
            const int64_t row = t * shape.stride + k * shape.dilation;
            const double product =
                static_cast<double>(weight[static_cast<size_t>((o * shape.kernel + k) * in + i)]) *
                static_cast<double>(x[static_cast<size_t>(row * in_stride + o / out * in + i)]);
            sum += product;
            magnitude += std::abs(product);
          }
        }
        sum += static_cast<double>(bias[static_cast<size_t>(o)]);
        const auto at = static_cast<size_t>(t * out_stride + o);
        const double expected = (sum > 0 ? sum : 0.1 * sum) + static_cast<double>(residual[at]);
        ASSERT_NEAR(output[at], expected, unit * magnitude) << "row " << t << ", channel " << o;
      }
    }
  }
};

TEST_P(Conv1dTest, RandomShapes) {
  for (int round = 0; round < 60; ++round) {
    const int64_t groups = round % 3 == 0 ? pick(2, 4) : 1;
    const ConvShape shape = {.in = groups * pick(1, 40),
                             .out = groups * pick(1, 40),
                             .kernel = pick(1, 11),
                             .stride = pick(1, 4),
                             .dilation = pick(1, 5),
                             .groups = groups};
    ASSERT_NO_FATAL_FAILURE(check(shape, pick(1, 50), Conv1d::Form::kPlain))
        << shape.in << " to " << shape.out << ", kernel " << shape.kernel << ", stride " << shape.stride
        << ", dilation " << shape.dilation << ", groups " << groups;
  }
}

TEST_P(Conv1dTest, TheFastFormIsTheSameConvolution) {
  for (int round = 0; round < 30; ++round) {
    const ConvShape shape = {.in = pick(1, 60), .out = pick(1, 60), .kernel = 3, .stride = 2};
    ASSERT_NO_FATAL_FAILURE(check(shape, pick(1, 40), Conv1d::Form::kFastWherePossible));
  }
}

// What a row is depends on its place in time, not on where the rows of a call end or begin.
TEST_P(Conv1dTest, TheFastFormOfAPartIsTheSameBits) {
  for (int round = 0; round < 20; ++round) {
    const ConvShape shape = {.in = pick(1, 60), .out = pick(1, 60), .kernel = 3, .stride = 2};
    const std::vector<float> weight = values(shape.out * shape.kernel * shape.in);
    const Conv1d conv(kernels(), shape, weight, values(shape.out), Conv1d::Form::kFastWherePossible);
    const int64_t stride = row_stride(shape.in);
    const int64_t rows = pick(1, 150);
    const std::vector<float> x = values(conv.inputs_of({0, rows}).end * stride);
    std::vector<std::byte> product = product_scratch();
    std::vector<float> scratch(static_cast<size_t>(conv.scratch_size()));
    const auto run = [&](RowSpan part) {
      const RowSpan read = conv.inputs_of(part);
      std::vector<float> input(x.begin() + read.begin * stride, x.begin() + read.end * stride);
      std::vector<float> output(static_cast<size_t>(part.count() * shape.out));
      conv.run(kernels(), input.data(), stride, part.count(), output.data(), shape.out, {}, scratch.data(),
               product.data());
      return output;
    };
    const std::vector<float> whole = run({0, rows});
    const int64_t begin = pick(0, (rows - 1) / conv.block()) * conv.block();
    const int64_t end =
        pick(begin + 1, rows - (rows - begin > 2 ? 2 : 0));  // what an earlier end reads is there
    const std::vector<float> expected(whole.begin() + begin * shape.out, whole.begin() + end * shape.out);
    ASSERT_EQ(run({begin, end}), expected) << begin << " to " << end << " of " << rows;
  }
}

TEST_P(Conv1dTest, ASignalsSamples) {
  for (int round = 0; round < 20; ++round) {
    const ConvShape shape = {.in = 1, .out = pick(1, 40), .kernel = pick(1, 20), .stride = pick(1, 10)};
    ASSERT_NO_FATAL_FAILURE(check(shape, pick(1, 60), Conv1d::Form::kPlain));
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Conv1dTest, testing::ValuesIn(every_kernels()), name_of_kernels);

}  // namespace
}  // namespace contentvec::nn
