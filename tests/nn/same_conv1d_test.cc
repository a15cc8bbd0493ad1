#include "nn/same_conv1d.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "nn/conv_transpose1d.h"
#include "nn/random_test.h"

namespace contentvec::nn {
namespace {

class SameConv1dTest : public RandomTest {
 protected:
  SameConv1dTest() : RandomTest(13) {}

  [[nodiscard]] double unit() const { return kernels().bfloat16 ? 1.0 / 128 : 2e-6; }

  /// Some whole blocks of random rows, compared with the sum that defines them.
  void check() {
    const int64_t in = pick(1, 40);
    const int64_t out = pick(1, 40);
    const int64_t kernel = 2 * pick(0, 7) + 1;
    const int64_t dilation = pick(1, 6);
    const std::vector<float> weight = values(out * kernel * in);
    const std::vector<float> bias = values(out);
    const SameConv1d conv(kernels(), in, out, kernel, dilation, weight, bias);
    const RowSpan rows = conv.blocks_of({pick(-50, 50), pick(51, 120)});
    ASSERT_EQ(rows.count() % conv.block(), 0);
    const RowSpan read = conv.inputs_of(rows);
    const std::vector<float> x = values(read.count() * in);
    const std::vector<float> residual = values(rows.count() * out);
    const std::vector<float> before = values(rows.count() * out);
    std::vector<float> y = before;
    std::vector<float> memory(static_cast<size_t>(conv.scratch_size(rows.count())));
    const bool accumulate = pick(0, 1) == 1;
    conv.run(kernels(), x.data(), 0.1F, rows.count(), y.data(),
             {.accumulate = accumulate,
              .activation = {Activation::Kind::kLeakyRelu, 0.3F},
              .residual = residual.data(),
              .residual_stride = out},
             memory.data(), product_scratch().data());

    for (int64_t row = rows.begin; row < rows.end; ++row) {
      for (int64_t o = 0; o < out; ++o) {
        const auto at = static_cast<size_t>((row - rows.begin) * out + o);
        auto sum = static_cast<double>(bias[static_cast<size_t>(o)]);
        if (accumulate) sum += static_cast<double>(before[at]);
        double magnitude = 1;
        for (int64_t k = 0; k < kernel; ++k) {
          const int64_t seen = row + (k - kernel / 2) * dilation;
          for (int64_t i = 0; i < in; ++i) {
            const auto value = static_cast<double>(x[static_cast<size_t>((seen - read.begin) * in + i)]);
            const auto w = static_cast<double>(weight[static_cast<size_t>((o * kernel + k) * in + i)]);
            sum += w * (value > 0 ? value : 0.1 * value);
            magnitude += std::abs(w * value);
          }
        }
        const double expected = (sum > 0 ? sum : 0.3 * sum) + static_cast<double>(residual[at]);
        ASSERT_NEAR(y[at], expected, unit() * magnitude)
            << "row " << row << ", channel " << o << ", " << in << " to " << out << ", kernel " << kernel
            << ", dilation " << dilation;
      }
    }
  }
};

TEST_P(SameConv1dTest, IsTheSumThatDefinesIt) {
  for (int round = 0; round < 40; ++round) ASSERT_NO_FATAL_FAILURE(check());
}

TEST_P(SameConv1dTest, TransposedIsTheSumThatDefinesIt) {
  for (int round = 0; round < 30; ++round) {
    const int64_t in = pick(1, 40);
    const int64_t out = pick(1, 20);
    const int64_t stride = pick(1, 12);
    const int64_t kernel = stride + pick(0, 2 * stride);
    const int64_t padding = pick(0, (kernel - stride) / 2 + 1);
    const std::vector<float> weight = values(in * out * kernel);
    const std::vector<float> bias = values(out);
    const ConvTranspose1d conv(kernels(), in, out, kernel, stride, padding, weight, bias);
    const RowSpan places = {pick(-3, 3), pick(4, 30)};
    const RowSpan read = conv.inputs_of(places);
    const std::vector<float> x = values(read.count() * in);
    std::vector<float> y(static_cast<size_t>(places.count() * stride * out));
    conv.run(kernels(), x.data(), in, places.count(), y.data(), product_scratch().data());
    for (int64_t row = places.begin * stride; row < places.end * stride; ++row) {
      for (int64_t o = 0; o < out; ++o) {
        auto sum = static_cast<double>(bias[static_cast<size_t>(o)]);
        double magnitude = 1;
        for (int64_t seen = read.begin; seen < read.end; ++seen) {
          const int64_t tap = row + padding - seen * stride;
          if (tap < 0 || tap >= kernel) continue;
          for (int64_t i = 0; i < in; ++i) {
            const double product =
                static_cast<double>(x[static_cast<size_t>((seen - read.begin) * in + i)]) *
                static_cast<double>(weight[static_cast<size_t>((i * out + o) * kernel + tap)]);
            sum += product;
            magnitude += std::abs(product);
          }
        }
        ASSERT_NEAR(y[static_cast<size_t>((row - places.begin * stride) * out + o)], sum, unit() * magnitude)
            << "row " << row << ", channel " << o << ", kernel " << kernel << ", stride " << stride
            << ", padding " << padding;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, SameConv1dTest, testing::ValuesIn(every_kernels()), name_of_kernels);

}  // namespace
}  // namespace contentvec::nn
