#include "nn/same_conv1d.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "nn/conv_transpose1d.h"
#include "nn/random_test.h"

namespace contentvec::nn {
namespace {

class SameConv1dTest : public RandomTest {
 protected:
  SameConv1dTest() : RandomTest(13) {}

  [[nodiscard]] double unit() const { return kernels().bfloat16 ? 1.0 / 128 : 2e-6; }

  /// Rows of `width` values, `stride` apart; what is between them is no number, so that it shows where it is read.
  static std::vector<float> apart(const std::vector<float>& rows, int64_t width, int64_t stride) {
    std::vector<float> to(rows.size() / static_cast<size_t>(width) * static_cast<size_t>(stride),
                          std::numeric_limits<float>::quiet_NaN());
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      to[static_cast<size_t>(at / width * stride + at % width)] = rows[i];
    }
    return to;
  }

  /// Some whole blocks of random rows, compared with the sum that defines them.
  void check() {
    const int64_t in = pick(1, 40);
    const int64_t out = pick(1, 40);
    const int64_t kernel = pick(1, 16);
    const int64_t dilation = pick(1, 6);
    const std::vector<float> weight = values(out * kernel * in);
    const std::vector<float> bias = values(out);
    const SameConv1d conv(kernels(), in, out, kernel, dilation, weight, bias);
    const RowSpan rows = conv.blocks_of({pick(-50, 50), pick(51, 120)});
    ASSERT_EQ(rows.count() % conv.block(), 0);
    const RowSpan read = conv.inputs_of(rows);
    const int64_t x_stride = in + kernel % 3;
    const int64_t y_stride = out + kernel % 4;
    const std::vector<float> x = apart(values(read.count() * in), in, x_stride);
    const std::vector<float> residual = values(rows.count() * out);
    const std::vector<float> before = apart(values(rows.count() * out), out, y_stride);
    std::vector<float> y = before;
    std::vector<float> memory(static_cast<size_t>(conv.scratch_size(rows.count())));
    const bool accumulate = pick(0, 1) == 1;
    conv.run(kernels(), x.data(), x_stride, 0.1F, rows.count(), y.data(), y_stride,
             {.accumulate = accumulate,
              .activation = {Activation::Kind::kLeakyRelu, 0.3F},
              .residual = residual.data(),
              .residual_stride = out},
             memory.data(), product_scratch().data());

    for (int64_t row = rows.begin; row < rows.end; ++row) {
      for (int64_t o = 0; o < out; ++o) {
        const auto at = static_cast<size_t>((row - rows.begin) * y_stride + o);
        auto sum = static_cast<double>(bias[static_cast<size_t>(o)]);
        if (accumulate) sum += static_cast<double>(before[at]);
        double magnitude = 1;
        for (int64_t k = 0; k < kernel; ++k) {
          const int64_t seen = row + (k - kernel / 2) * dilation;
          for (int64_t i = 0; i < in; ++i) {
            const auto value =
                static_cast<double>(x[static_cast<size_t>((seen - read.begin) * x_stride + i)]);
            const auto w = static_cast<double>(weight[static_cast<size_t>((o * kernel + k) * in + i)]);
            sum += w * (value > 0 ? value : 0.1 * value);
            magnitude += std::abs(w * value);
          }
        }
        const double expected =
            (sum > 0 ? sum : 0.3 * sum) +
            static_cast<double>(residual[static_cast<size_t>((row - rows.begin) * out + o)]);
        ASSERT_NEAR(y[at], expected, unit() * magnitude)
            << "row " << row << ", channel " << o << ", " << in << " to " << out << ", kernel " << kernel
            << ", dilation " << dilation;
      }
    }
  }
};

TEST_P(SameConv1dTest, TeamsChangeNoBit) {
  constexpr int64_t kIn = 24;
  constexpr int64_t kOut = 20;
  for (const int64_t kernel : {1, 3, 7}) {
    const SameConv1d conv(kernels(), kIn, kOut, kernel, 2, values(kOut * kernel * kIn), values(kOut));
    const RowSpan all = conv.blocks_of({0, 301});
    const std::vector<float> x = values(conv.inputs_of(all).count() * kIn);
    std::vector<float> expected(static_cast<size_t>(all.count() * kOut));
    std::vector<float> memory(static_cast<size_t>(conv.scratch_size(all.count())));
    conv.run(kernels(), x.data(), kIn, 0.1F, all.count(), expected.data(), kOut, {}, memory.data(),
             product_scratch().data());
    for (const int threads : {1, 2, 5}) {
      Machine machine(kernels(), threads);
      std::vector<float> y(expected.size());
      conv.run(machine.context(), x.data(), kIn, 0.1F, 301, y.data(), kOut);
      EXPECT_EQ(y, expected) << "kernel " << kernel << ", " << threads << " threads";
    }
  }
}

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
