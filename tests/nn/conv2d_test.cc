#include "nn/conv2d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "nn/random_test.h"
#include "nn/winograd.h"

namespace contentvec::nn {
namespace {

// The sizes of what Winograd's transforms multiply with, for how far rounding may carry.
constexpr double kInputTransform[6][6] = {{4, 0, 5, 0, 1, 0}, {0, 4, 4, 1, 1, 0}, {0, 4, 4, 1, 1, 0},
                                          {0, 2, 1, 2, 1, 0}, {0, 2, 1, 2, 1, 0}, {0, 4, 0, 5, 0, 1}};
constexpr double kWeightTransform[6][3] = {{1. / 4, 0, 0},
                                           {1. / 6, 1. / 6, 1. / 6},
                                           {1. / 6, 1. / 6, 1. / 6},
                                           {1. / 24, 1. / 12, 1. / 6},
                                           {1. / 24, 1. / 12, 1. / 6},
                                           {0, 0, 1}};
constexpr double kOutputTransform[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, 1, 2, 2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, 1, 8, 8, 1}};

struct Conv2dShape {
  int64_t in, out, kernel, height, width;
  bool bias, residual, relu;
};

class Conv2dTest : public RandomTest {
 protected:
  Conv2dTest() : RandomTest(20240602) {}

  FeatureMap map(int64_t height, int64_t width, int64_t channels) {
    FeatureMap made;
    made.resize(height, width, channels);
    for (int64_t y = 0; y < height; ++y) {
      const std::vector<float> row = values(width * channels);
      std::copy(row.begin(), row.end(), made.at(y, 0));
    }
    return made;
  }
  void check(const Conv2dShape& shape);
};

/// The root of the sum of squares of what Winograd's form adds up for the pixel [y, x] of channel o: were all of it
/// rounded independently, the result's error would be about that in units.
double winograd_size(const FeatureMap& from, const std::vector<float>& weight, int64_t o, int64_t y,
                     int64_t x) {
  const int64_t top = y / 4 * 4 - 1;
  const int64_t left = x / 4 * 4 - 1;
  double total = 0;
  for (int64_t c = 0; c < from.channels(); ++c) {
    for (int64_t a = 0; a < 6; ++a) {
      for (int64_t b = 0; b < 6; ++b) {
        double input = 0;
        for (int64_t i = 0; i < 6 && top + i <= from.height(); ++i) {
          for (int64_t j = 0; j < 6; ++j)
            input += std::pow(kInputTransform[a][i] * kInputTransform[b][j] *
                                  static_cast<double>(from.at(top + i, left + j)[c]),
                              2);
        }
        double of_weight = 0;
        for (int64_t tap = 0; tap < 9; ++tap) {
          const float w = weight[static_cast<size_t>((o * from.channels() + c) * 9 + tap)];
          of_weight += std::pow(
              kWeightTransform[a][tap / 3] * kWeightTransform[b][tap % 3] * static_cast<double>(w), 2);
        }
        total += std::pow(kOutputTransform[y % 4][a] * kOutputTransform[x % 4][b], 2) * input * of_weight;
      }
    }
  }
  return std::sqrt(total);
}

void Conv2dTest::check(const Conv2dShape& shape) {
  const FeatureMap from = map(shape.height, shape.width, shape.in);
  const FeatureMap residual = map(shape.height, shape.width, shape.out);
  const int64_t taps = shape.kernel * shape.kernel;
  const std::vector<float> weight = values(shape.out * shape.in * taps);
  const std::vector<float> bias = values(shape.bias ? shape.out : 0);
  const Conv2d conv(kernels(), shape.in, shape.out, shape.kernel, weight, bias);
  Machine machine(kernels(), 2);
  FeatureMap to;
  conv.run(machine.context(), from, to, {shape.relu ? Activation::Kind::kRelu : Activation::Kind::kNone},
           shape.residual ? &residual : nullptr);

  ASSERT_EQ(to.height(), shape.height);
  ASSERT_EQ(to.width(), shape.width);
  const bool winograd = shape.kernel == 3 && winograd_pays(kernels(), from);
  const double unit = 0x1p-24;
  const double additions = static_cast<double>(std::min<int64_t>(shape.in * taps, 300)) + 10;
  for (int sample = 0; sample < 100; ++sample) {
    const int64_t y = sample == 0 ? shape.height - 1 : pick(0, shape.height - 1);
    const int64_t x = sample == 0 ? shape.width - 1 : pick(0, shape.width - 1);
    const int64_t o = sample == 0 ? shape.out - 1 : pick(0, shape.out - 1);
    double sum = 0;
    double magnitude = 1;
    for (int64_t c = 0; c < shape.in; ++c) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        const int64_t reach = shape.kernel / 2;
        const double product =
            static_cast<double>(weight[static_cast<size_t>((o * shape.in + c) * taps + tap)]) *
            static_cast<double>(from.at(y + tap / shape.kernel - reach, x + tap % shape.kernel - reach)[c]);
        sum += product;
        magnitude += std::abs(product);
      }
    }
    double tolerance = ((kernels().bfloat16 ? 0x1p-7 : 0.0) + additions * unit) * magnitude;
    // A sum of n terms is rounded n times on its way to its size; the transforms add up to five terms, six times.
    if (winograd)
      tolerance += 6 * unit * (std::sqrt(additions / 2) + 8) * winograd_size(from, weight, o, y, x);
    if (shape.bias) sum += static_cast<double>(bias[static_cast<size_t>(o)]);
    if (shape.relu) sum = std::max(sum, 0.0);
    if (shape.residual) sum += static_cast<double>(residual.at(y, x)[o]);
    ASSERT_NEAR(to.at(y, x)[o], sum, tolerance) << "pixel " << y << ", " << x << ", channel " << o;
  }
  // What the next convolution reads as its padding.
  for (int64_t y = -1; y <= shape.height; ++y) {
    for (int64_t x = -1; x <= shape.width; ++x) {
      const bool inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
      for (int64_t o = 0; o < shape.out && !inside; ++o)
        ASSERT_EQ(to.at(y, x)[o], 0.0F) << "border " << y << ", " << x;
    }
  }
}

TEST_P(Conv2dTest, RandomShapes) {
  int winograds = 0;
  for (int round = 0; round < 30; ++round) {
    Conv2dShape shape{};
    shape.in = round % 5 == 0 ? pick(129, 150) : pick(1, 40);
    shape.out = pick(1, 2 * kernels().panel_width + 1);
    shape.kernel = pick(0, 3) == 0 ? 1 : 3;
    shape.height = pick(1, 11);
    shape.width = pick(0, 3) == 0 ? pick(1, 9) : 4 * pick(1, 3);
    shape.bias = pick(0, 1) == 1;
    shape.residual = pick(0, 1) == 1;
    shape.relu = pick(0, 1) == 1;
    ASSERT_NO_FATAL_FAILURE(check(shape)) << shape.in << " -> " << shape.out << ", kernel " << shape.kernel
                                          << ", " << shape.height << " x " << shape.width;
    FeatureMap like;
    like.resize(shape.height, shape.width, shape.in);
    winograds += static_cast<int>(shape.kernel == 3 && winograd_pays(kernels(), like));
  }
  EXPECT_EQ(winograds > 5, kernels().winograd_weights != nullptr) << winograds;
}

// More tiles than go through at a time, so that they are cut otherwise for each number of threads.
TEST_P(Conv2dTest, NeitherThreadsNorOtherRowsChangeABit) {
  const int64_t channels = 20;
  const int64_t out = 3 * kernels().panel_width;
  const Conv2d conv(kernels(), channels, out, 3, values(out * channels * 9), values(out));
  const FeatureMap from = map(44, 48, channels);
  const auto run = [&](const FeatureMap& input, int threads) {
    Machine machine(kernels(), threads);
    FeatureMap to;
    conv.run(machine.context(), input, to, {Activation::Kind::kRelu});
    return to;
  };
  const auto expect_same = [&](const FeatureMap& a, const FeatureMap& b, int64_t rows, int64_t below) {
    for (int64_t y = 0; y < rows; ++y) {
      for (int64_t i = 0; i < 48 * out; ++i)
        ASSERT_EQ(a.at(y, 0)[i], b.at(y + below, 0)[i]) << y << ", " << i;
    }
  };
  const FeatureMap whole = run(from, 1);
  for (const int threads : {2, 3, 5}) ASSERT_NO_FATAL_FAILURE(expect_same(run(from, threads), whole, 44, 0));
  FeatureMap part;  // of rows 8 to 27, whole tiles
  part.resize(20, 48, channels);
  for (int64_t y = 0; y < 20; ++y) std::copy_n(from.at(y + 8, 0), 48 * channels, part.at(y, 0));
  const FeatureMap of_part = run(part, 2);
  for (int64_t y = 4; y < 16; ++y) {
    for (int64_t i = 0; i < 48 * out; ++i) ASSERT_EQ(of_part.at(y, 0)[i], whole.at(y + 8, 0)[i]) << y;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Conv2dTest, testing::ValuesIn(every_kernels()), name_of_kernels);

}  // namespace
}  // namespace contentvec::nn
