#include "nn/kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "nn/packed_matrix.h"
#include "nn/random_test.h"

namespace contentvec::nn {
namespace {

constexpr double kUnit = 0x1p-24;  // float32's rounding unit

/// The rounding unit of a product's sides: of the weights, and of the rows where those are converted too.
double right_unit(const Kernels& kernels) {
  return kernels.bfloat16 ? 0x1p-8 : 0.0;
}
double left_unit(const Kernels& kernels) {
  return kernels.weights.depth_step > 1 ? 0x1p-8 : 0.0;
}
double attention_unit(const Kernels& kernels) {
  return kernels.key_values.element_bytes == 2 ? 0x1p-8 : 0.0;
}

using Panels = std::vector<std::byte>;

/// Every kernel table this machine can run.
std::vector<std::byte> scratch_of(const Kernels& kernels) {
  return std::vector<std::byte>(static_cast<size_t>(kernels.product_scratch));
}

std::vector<float> random_values(std::mt19937& random, int64_t count, float low = -1.0F, float high = 1.0F) {
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

double exact_gelu(double x) {
  return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
}

constexpr Activation kActivations[] = {{},
                                       kGelu,
                                       {Activation::Kind::kRelu},
                                       {Activation::Kind::kLeakyRelu, 0.1F},
                                       {Activation::Kind::kSilu},
                                       {Activation::Kind::kSigmoid},
                                       {Activation::Kind::kTanh}};

double exactly(const Activation& activation, double x) {
  switch (activation.kind) {
    case Activation::Kind::kGelu:
      return exact_gelu(x);
    case Activation::Kind::kRelu:
      return std::max(x, 0.0);
    case Activation::Kind::kLeakyRelu:
      return x > 0 ? x : static_cast<double>(activation.slope) * x;
    case Activation::Kind::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::Kind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::Kind::kTanh:
      return std::tanh(x);
    case Activation::Kind::kNone:
      break;
  }
  return x;
}

/// Every kernel test runs for every instruction set this machine has.
class KernelsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }
  /// Packed some keys at a time, the last first, over what held no zeros: as all at once over zeros.
  template <typename Pack>
  Panels packed_in_parts(int64_t bytes, int64_t keys, const Pack& pack) {
    Panels panels(static_cast<size_t>(bytes), std::byte{0xFF});
    for (int64_t end = keys; end > 0;) {
      const int64_t begin = pick(0, end - 1);
      pack(KeyRange{begin, end, keys}, panels.data());
      end = begin;
    }
    Panels whole(static_cast<size_t>(bytes));
    pack(KeyRange{0, keys, keys}, whole.data());
    EXPECT_TRUE(panels == whole) << keys << " keys";
    return panels;
  }
  Panels packed_keys(const std::vector<float>& k, int64_t stride, int64_t keys, int64_t head_dim) {
    return packed_in_parts(panel_bytes(kernels(), kernels().key_values, keys, head_dim), keys,
                           [&](const KeyRange& range, std::byte* panels) {
                             kernels().pack_keys(k.data() + range.begin * stride, stride, range, head_dim,
                                                 panels);
                           });
  }
  Panels packed_values(const std::vector<float>& v, int64_t stride, int64_t keys, int64_t head_dim) {
    return packed_in_parts(panel_bytes(kernels(), kernels().key_values, head_dim, keys), keys,
                           [&](const KeyRange& range, std::byte* panels) {
                             kernels().pack_values(v.data() + range.begin * stride, stride, range, head_dim,
                                                   panels);
                           });
  }
  std::mt19937 random_{20240601};
  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  Activation random_activation() {
    return kActivations[static_cast<size_t>(pick(0, static_cast<int64_t>(std::size(kActivations)) - 1))];
  }
};

/// One product of random shape, with its inputs in buffers of exactly the size they may be read at (a
/// sanitizer then sees a read or write past the end), at an odd offset.
struct ProductCase {
  int64_t rows, columns, segments, segment_length, gap, row_step;
  bool bias, residual, accumulate;
  Activation activation;
};

void check_product(const Kernels& kernels, const ProductCase& c, std::mt19937& random) {
  const int64_t depth = c.segments * c.segment_length;
  const int64_t segment_stride = c.segment_length + c.gap;
  const Rows shape = {nullptr, c.row_step, c.segments, c.segment_length, segment_stride};
  const int64_t reach = (c.rows - 1) * c.row_step + (c.segments - 1) * segment_stride + c.segment_length;
  const std::vector<float> a = random_values(random, reach + 1);
  const std::vector<float> weight = random_values(random, c.columns * depth);
  const std::vector<float> bias = random_values(random, c.columns);
  const int64_t c_stride = c.columns + 3;
  std::vector<float> out = random_values(random, (c.rows - 1) * c_stride + c.columns + 1);
  const std::vector<float> residual = random_values(random, (c.rows - 1) * c_stride + c.columns);
  const std::vector<float> before = out;
  const PackedMatrix packed(kernels, weight, c.columns, depth,
                            c.bias ? std::span(bias) : std::span<const float>());

  Rows view = shape;
  view.data = a.data() + 1;
  float* target = out.data() + 1;
  std::vector<std::byte> scratch = scratch_of(kernels);
  kernels.product(view, c.rows, packed.panels(), c.columns, target, c_stride,
                  {.accumulate = c.accumulate,
                   .bias = packed.bias(),
                   .activation = c.activation,
                   .residual = c.residual ? residual.data() : nullptr,
                   .residual_stride = c_stride},
                  scratch.data());

  for (int64_t i = 0; i < c.rows; ++i) {
    for (int64_t j = 0; j < c.columns; ++j) {
      double sum = c.accumulate ? before[static_cast<size_t>(1 + i * c_stride + j)] : 0;
      double magnitude = std::abs(sum);
      for (int64_t k = 0; k < depth; ++k) {
        const double x =
            view.data[i * c.row_step + k / c.segment_length * segment_stride + k % c.segment_length];
        const double w = weight[static_cast<size_t>(j * depth + k)];
        sum += x * w;
        magnitude += std::abs(x * w);
      }
      // at most 256 products in a partial sum, then one addition per partial sum
      const double steps = static_cast<double>(std::min<int64_t>(depth, 256) + depth / 256 + c.segments + 2);
      double tolerance = (steps * kUnit + right_unit(kernels) + left_unit(kernels)) * magnitude;
      if (c.bias) sum += bias[static_cast<size_t>(j)];
      tolerance += kUnit * std::abs(sum);
      if (c.activation.kind != Activation::Kind::kNone) {
        // No activation's slope is more than 1.13, which is GELU's.
        tolerance = 1.13 * tolerance + 3e-7 * std::max(1.0, std::abs(sum));
        sum = exactly(c.activation, sum);
      }
      if (c.residual) sum += residual[static_cast<size_t>(i * c_stride + j)];
      tolerance += 2 * kUnit * std::abs(sum);
      ASSERT_NEAR(target[i * c_stride + j], sum, tolerance) << "row " << i << " column " << j;
    }
    for (int64_t j = c.columns; j < c_stride && i + 1 < c.rows; ++j) {
      ASSERT_EQ(target[i * c_stride + j], before[static_cast<size_t>(1 + i * c_stride + j)])
          << "wrote past the row";
    }
  }
  ASSERT_EQ(out[0], before[0]) << "wrote before the output";
}

TEST_P(KernelsTest, ProductOfRandomShapes) {
  for (int round = 0; round < 60; ++round) {
    ProductCase c{};
    c.rows = pick(0, 3) == 0 ? 1 : pick(1, 3 * kernels().tile_rows + 1);
    c.columns = pick(1, (c.rows == 1 ? 9 : 3) * kernels().panel_width + 1);
    c.segments = pick(1, 3);
    c.segment_length = round % 4 == 0 ? pick(250, 1600) : pick(1, 40);
    c.gap = pick(0, 5);
    c.row_step = pick(1, 2 * (c.segment_length + c.gap));
    c.bias = pick(0, 1) == 1;
    c.activation = random_activation();
    c.residual = pick(0, 1) == 1;
    c.accumulate = pick(0, 1) == 1;
    ASSERT_NO_FATAL_FAILURE(check_product(kernels(), c, random_))
        << c.rows << " x " << c.columns << ", " << c.segments << " segments of " << c.segment_length;
  }
}

TEST_P(KernelsTest, ProductOfRowsThatShareParts) {
  for (int round = 0; round < 24; ++round) {
    const bool long_parts = round < 2;  // few rows of them fit into the scratch
    ProductCase c{};
    c.rows = long_parts ? 130 : pick(1, 40);
    c.columns = pick(1, 20);
    c.gap = pick(0, 3);
    const int64_t parts = pick(2, 4);
    const int64_t length = long_parts ? 1500 : pick(1, 40);
    if (round % 2 == 0) {  // a convolution's
      c.segments = parts;
      c.segment_length = length;
      c.row_step = pick(1, parts - 1) * (length + c.gap);
    } else {  // a window that moves along
      c.segments = 1;
      c.segment_length = parts * length;
      c.row_step = length;
    }
    c.residual = pick(0, 1) == 1;
    c.accumulate = pick(0, 1) == 1;
    ASSERT_NO_FATAL_FAILURE(check_product(kernels(), c, random_))
        << c.rows << " x " << c.columns << ", " << parts << " parts of " << length << ", a row each "
        << c.row_step;
  }
}

TEST_P(KernelsTest, ProductDoesNotDependOnWhereARowFalls) {
  const int64_t rows = 2 * kernels().tile_rows + 5;
  const int64_t depth = 1300;
  const int64_t columns = 5 * kernels().panel_width + 7;  // some panels of a row alone go together
  const std::vector<float> a = random_values(random_, rows * depth);
  const PackedMatrix b(kernels(), random_values(random_, columns * depth), columns, depth, {});
  std::vector<float> together(static_cast<size_t>(rows * columns));
  std::vector<float> alone(static_cast<size_t>(columns));
  std::vector<std::byte> scratch = scratch_of(kernels());
  kernels().product({a.data(), depth, 1, depth, 0}, rows, b.panels(), columns, together.data(), columns, {},
                    scratch.data());
  for (int64_t i = 0; i < rows; ++i) {
    kernels().product({a.data() + i * depth, depth, 1, depth, 0}, 1, b.panels(), columns, alone.data(),
                      columns, {}, scratch.data());
    for (int64_t j = 0; j < columns; ++j) {
      ASSERT_EQ(together[static_cast<size_t>(i * columns + j)], alone[static_cast<size_t>(j)])
          << i << ", " << j;
    }
  }
}

TEST_P(KernelsTest, EveryActivationOverItsRange) {
  // a product with the 1 x 1 identity applies the epilogue alone
  const std::vector<float> one = {1.0F};
  std::vector<std::byte> scratch = scratch_of(kernels());
  const PackedMatrix identity(kernels(), one, 1, 1, {});
  for (const Activation& activation : kActivations) {
    for (const float x : {-1e30F, -200.0F, -90.0F, -17.0F, -4.0F, -1.0F, -0.125F, -0.0F, 0.0F, 0.25F, 0.5F,
                          2.0F, 8.0F, 9.0F, 88.0F, 120.0F, 1e30F}) {
      const bool is_rounded = left_unit(kernels()) > 0 && std::abs(x) > 1e6F;  // 1e30 to bfloat16
      if (is_rounded) continue;
      float y = 0;
      kernels().product({&x, 1, 1, 1, 0}, 1, identity.panels(), 1, &y, 1, {.activation = activation},
                        scratch.data());
      ASSERT_NEAR(y, exactly(activation, x), 3e-7 * std::max(1.0, std::abs(static_cast<double>(x))))
          << "activation " << static_cast<int>(activation.kind) << " at " << x;
    }
  }
}

TEST_P(KernelsTest, GeluIsExactOverItsRange) {
  // a product with the 1 x 1 identity applies the epilogue alone
  const std::vector<float> one = {1.0F};
  std::vector<std::byte> scratch = scratch_of(kernels());
  const PackedMatrix identity(kernels(), one, 1, 1, {});
  for (int i = -3000; i <= 3000; ++i) {
    float x = static_cast<float>(i) * 0.01F;
    if (left_unit(kernels()) > 0)
      x = static_cast<float>(static_cast<int>(x * 8)) / 8.0F;  // exact in bfloat16
    float y = 0;
    kernels().product({&x, 1, 1, 1, 0}, 1, identity.panels(), 1, &y, 1, {.activation = kGelu},
                      scratch.data());
    ASSERT_NEAR(y, exact_gelu(x), 2.5e-7 * std::max(1.0, std::abs(static_cast<double>(x)))) << "at " << x;
  }
}

TEST_P(KernelsTest, LayerNormOfRandomShapes) {
  for (int round = 0; round < 60; ++round) {
    const int64_t rows = pick(1, 5);
    const int64_t width = pick(1, 200);
    const int64_t stride = width + pick(0, 4);
    const Activation activation = random_activation();
    const float offset = static_cast<float>(pick(0, 1)) * 100.0F;  // a large mean must not eat the variance
    const std::vector<float> scale = random_values(random_, width, 0.5F, 1.5F);
    const std::vector<float> shift = random_values(random_, width);
    std::vector<float> x = random_values(random_, (rows - 1) * stride + width, offset - 1.0F, offset + 1.0F);
    const std::vector<float> before = x;
    const bool in_place = pick(0, 1) == 1;
    std::vector<float> other(x.size());
    float* out = in_place ? x.data() : other.data();
    kernels().layer_norm(x.data(), stride, rows, width, scale.data(), shift.data(), 1e-5F, activation, out,
                         stride);
    for (int64_t i = 0; i < rows; ++i) {
      const float* row = before.data() + i * stride;
      double mean = 0;
      for (int64_t j = 0; j < width; ++j) mean += row[j];
      mean /= static_cast<double>(width);
      double variance = 0;
      for (int64_t j = 0; j < width; ++j) variance += (row[j] - mean) * (row[j] - mean);
      const double factor =
          1.0 / std::sqrt(variance / static_cast<double>(width) + static_cast<double>(1e-5F));
      for (int64_t j = 0; j < width; ++j) {
        const auto channel = static_cast<size_t>(j);
        double expected = (row[j] - mean) * factor * scale[channel] + shift[channel];
        // the mean is rounded to float32, which moves every difference by up to that much
        const double tolerance = 4 * kUnit * (std::abs(mean) * factor * 1.5 + std::abs(expected) + 4.0) +
                                 (activation.kind == Activation::Kind::kNone ? 0 : 1e-6);
        expected = exactly(activation, expected);
        ASSERT_NEAR(out[i * stride + j], expected, tolerance)
            << "width " << width << ", row " << i << ", channel " << j;
      }
    }
  }
}

TEST_P(KernelsTest, DepthwiseConvolutionsOfRandomShapes) {
  for (int round = 0; round < 40; ++round) {
    const int64_t rows = pick(1, 11);
    const int64_t channels = pick(1, 3 * kernels().panel_width + 1);
    const int64_t taps = pick(1, 31);
    const int64_t stride = channels + pick(0, 3);
    const Activation activation = random_activation();
    const std::vector<float> x = random_values(random_, (rows + taps - 2) * stride + channels);
    const std::vector<float> weight = random_values(random_, taps * channels);
    const std::vector<float> bias = random_values(random_, channels);
    std::vector<float> out((static_cast<size_t>((rows - 1) * stride + channels)), -7.0F);
    kernels().depthwise(x.data(), stride, rows, channels, weight.data(), taps, bias.data(), activation,
                        out.data(), stride);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t c = 0; c < channels; ++c) {
        double sum = bias[static_cast<size_t>(c)];
        for (int64_t k = 0; k < taps; ++k) {
          sum += static_cast<double>(weight[static_cast<size_t>(k * channels + c)]) *
                 static_cast<double>(x[static_cast<size_t>((row + k) * stride + c)]);
        }
        ASSERT_NEAR(out[static_cast<size_t>(row * stride + c)], exactly(activation, sum), 1e-5)
            << rows << " rows of " << channels << ", " << taps << " taps, at " << row << ", " << c;
      }
      for (int64_t c = channels; c < stride && row + 1 < rows; ++c)
        ASSERT_EQ(out[static_cast<size_t>(row * stride + c)], -7.0F) << "wrote past the row";
    }
  }
}

TEST_P(KernelsTest, GatedLinearUnitsOfRandomShapes) {
  for (int round = 0; round < 40; ++round) {
    const int64_t rows = pick(1, 5);
    const int64_t width = pick(1, 3 * kernels().panel_width + 1);
    const int64_t stride = 2 * width + pick(0, 3);
    std::vector<float> x = random_values(random_, (rows - 1) * stride + 2 * width, -20.0F, 20.0F);
    const std::vector<float> before = x;
    const bool in_place = round % 2 == 0;
    std::vector<float> other(static_cast<size_t>(rows * width));
    float* out = in_place ? x.data() : other.data();
    const int64_t out_stride = in_place ? stride : width;
    kernels().glu(x.data(), stride, rows, width, out, out_stride);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < width; ++i) {
        const double value = before[static_cast<size_t>(row * stride + i)];
        const double gate = before[static_cast<size_t>(row * stride + width + i)];
        ASSERT_NEAR(out[row * out_stride + i], value / (1 + std::exp(-gate)), 2e-5)
            << width << ": " << row << ", " << i;
      }
    }
  }
}

TEST_P(KernelsTest, GatedTanhOfRandomShapes) {
  for (int round = 0; round < 40; ++round) {
    const int64_t rows = pick(1, 5);
    const int64_t width = pick(1, 3 * kernels().panel_width + 1);
    const int64_t stride = 2 * width + pick(0, 3);
    std::vector<float> x = random_values(random_, (rows - 1) * stride + 2 * width, -20.0F, 20.0F);
    const std::vector<float> bias = random_values(random_, 2 * width);
    const std::vector<float> before = x;
    const bool in_place = round % 2 == 0;
    std::vector<float> other(static_cast<size_t>(rows * width));
    float* out = in_place ? x.data() : other.data();
    const int64_t out_stride = in_place ? stride : width;
    kernels().gated_tanh(x.data(), stride, rows, width, bias.data(), out, out_stride);
    for (int64_t row = 0; row < rows; ++row) {
      const auto half = [&](int64_t i) {
        return static_cast<double>(before[static_cast<size_t>(row * stride + i)]) +
               static_cast<double>(bias[static_cast<size_t>(i)]);
      };
      for (int64_t i = 0; i < width; ++i) {
        ASSERT_NEAR(out[row * out_stride + i], std::tanh(half(i)) / (1 + std::exp(-half(width + i))), 2e-6)
            << width << ": " << row << ", " << i;
      }
    }
  }
}

TEST_P(KernelsTest, SoftmaxOfRandomShapes) {
  for (int round = 0; round < 40; ++round) {
    const int64_t rows = pick(1, 5);
    const int64_t width = round % 3 == 0 ? pick(250, 5000) : pick(1, 70);
    const float spread = round % 5 == 0 ? 300.0F : 3.0F;
    const int64_t room = (width + 15) / 16 * 16;
    const int64_t stride = room + pick(0, 3);
    std::vector<float> x = random_values(random_, (rows - 1) * stride + room, -spread, spread);
    const std::vector<float> before = x;
    kernels().softmax(x.data(), stride, rows, width);
    for (int64_t row = 0; row < rows; ++row) {
      const float* scores = before.data() + row * stride;
      const double largest = *std::max_element(scores, scores + width);
      double total = 0;
      for (int64_t i = 0; i < width; ++i) total += std::exp(static_cast<double>(scores[i]) - largest);
      for (int64_t i = 0; i < width; ++i) {
        // The exponent, up to 2 `spread` times log2 e, is rounded once.
        const double expected = std::exp(static_cast<double>(scores[i]) - largest) / total;
        ASSERT_NEAR(x[static_cast<size_t>(row * stride + i)], expected,
                    expected * (1e-6 + 4 * static_cast<double>(spread) * kUnit) + 1e-30)
            << width << ": " << row << ", " << i;
      }
      for (int64_t i = room; i < stride && row + 1 < rows; ++i)
        ASSERT_EQ(x[static_cast<size_t>(row * stride + i)], scores[i]) << "wrote past the row";
    }
  }
}

TEST_P(KernelsTest, GruStepsOfRandomShapes) {
  for (int round = 0; round < 40; ++round) {
    const int64_t width = pick(1, 3 * kernels().panel_width + 1);
    const std::vector<float> input = random_values(random_, 3 * width, -6.0F, 6.0F);
    const std::vector<float> hidden = random_values(random_, 3 * width, -6.0F, 6.0F);
    std::vector<float> state = random_values(random_, width);
    const std::vector<float> before = state;
    kernels().gru_step(input.data(), hidden.data(), width, state.data());
    for (int64_t i = 0; i < width; ++i) {
      const auto gate = [&](const std::vector<float>& of, int64_t which) {
        return static_cast<double>(of[static_cast<size_t>(which * width + i)]);
      };
      const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
      const double r = sigmoid(gate(input, 0) + gate(hidden, 0));
      const double z = sigmoid(gate(input, 1) + gate(hidden, 1));
      const double n = std::tanh(gate(input, 2) + r * gate(hidden, 2));
      ASSERT_NEAR(state[static_cast<size_t>(i)],
                  (1 - z) * n + z * static_cast<double>(before[static_cast<size_t>(i)]), 2e-6)
          << width << ": " << i;
    }
  }
}

TEST_P(KernelsTest, AttentionOfRandomShapes) {
  for (int round = 0; round < 30; ++round) {
    const int64_t keys = round % 3 == 0 ? pick(250, 800) : pick(1, 70);
    const int64_t rows = pick(1, (kQueryTiles + 1) * kernels().tile_rows);
    const int64_t head_dim = pick(1, 2 * kernels().panel_width + 3);
    const float spread = round % 5 == 0 ? 20.0F : 1.0F;  // scores far apart move the running maximum a lot
    const int64_t stride = head_dim + 5;
    const std::vector<float> q = random_values(random_, rows * stride, -spread, spread);
    const std::vector<float> k = random_values(random_, keys * stride);
    const std::vector<float> v = random_values(random_, keys * head_dim);
    const Panels k_panels = packed_keys(k, stride, keys, head_dim);
    const Panels v_panels = packed_values(v, head_dim, keys, head_dim);
    std::vector<float> out(static_cast<size_t>(rows * head_dim));
    Panels scratch(static_cast<size_t>(attention_scratch(kernels(), head_dim)));
    kernels().attention(q.data(), stride, rows, k_panels.data(), v_panels.data(), keys, head_dim, out.data(),
                        head_dim, scratch.data());
    for (int64_t i = 0; i < rows; ++i) {
      std::vector<double> p(static_cast<size_t>(keys));
      double largest = -1e300;
      std::vector<double> magnitude(static_cast<size_t>(rows));  // of the largest score's terms
      for (int64_t t = 0; t < keys; ++t) {
        double score = 0;
        double terms = 0;
        for (int64_t d = 0; d < head_dim; ++d) {
          const double term = static_cast<double>(q[static_cast<size_t>(i * stride + d)]) *
                              k[static_cast<size_t>(t * stride + d)];
          score += term;
          terms += std::abs(term);
        }
        magnitude[static_cast<size_t>(i)] = std::max(magnitude[static_cast<size_t>(i)], terms);
        p[static_cast<size_t>(t)] = score;
        largest = std::max(largest, score);
      }
      double sum = 0;
      for (double& value : p) sum += value = std::exp(value - largest);
      for (int64_t d = 0; d < head_dim; ++d) {
        double expected = 0;
        for (int64_t t = 0; t < keys; ++t) {
          expected += p[static_cast<size_t>(t)] / sum * v[static_cast<size_t>(t * head_dim + d)];
        }
        // an error in a score is a relative error of its weight; scores are sums of head_dim products up to
        // `spread`
        const double score_error = kUnit * static_cast<double>(head_dim) * std::sqrt(head_dim) * spread;
        // so is the rounding of q and k; that of p and v is relative to the values, which are at most 1
        const double unit = attention_unit(kernels());
        const double rounding = 2 * unit * (magnitude[static_cast<size_t>(i)] + 1);
        ASSERT_NEAR(out[static_cast<size_t>(i * head_dim + d)], expected, 2 * score_error + 2e-6 + rounding)
            << keys << " keys, head of " << head_dim << ", row " << i << ", channel " << d;
      }
    }
  }
}

TEST_P(KernelsTest, AttentionFindsTheOneKeyThatMattersWhereverItIs) {
  const int64_t keys = 3 * kKeyBlock;
  const int64_t dim = 4;
  const std::vector<float> q(dim, 100.0F);
  const std::vector<float> v = random_values(random_, keys * dim);
  for (const int64_t largest : {int64_t{0}, int64_t{kKeyBlock} + 1, keys - 1}) {
    std::vector<float> k(static_cast<size_t>(keys * dim), -1.0F);  // scores of -400, and one of 400
    std::fill_n(k.begin() + largest * dim, dim, 1.0F);
    const Panels k_panels = packed_keys(k, dim, keys, dim);
    const Panels v_panels = packed_values(v, dim, keys, dim);
    Panels scratch(static_cast<size_t>(attention_scratch(kernels(), dim)));
    std::vector<float> out(dim);
    kernels().attention(q.data(), dim, 1, k_panels.data(), v_panels.data(), keys, dim, out.data(), dim,
                        scratch.data());
    for (int64_t d = 0; d < dim; ++d) {
      const float expected = v[static_cast<size_t>(largest * dim + d)];
      ASSERT_NEAR(out[static_cast<size_t>(d)], expected, 1e-6 + attention_unit(kernels())) << largest;
    }
  }
}

TEST_P(KernelsTest, AttentionDoesNotDependOnWhereAQueryFalls) {
  const int64_t keys = 300;
  const int64_t rows = kQueryTiles * kernels().tile_rows + 3;
  const int64_t dim = 64;
  const std::vector<float> q = random_values(random_, rows * dim);
  const Panels k_panels = packed_keys(random_values(random_, keys * dim), dim, keys, dim);
  const Panels v_panels = packed_values(random_values(random_, keys * dim), dim, keys, dim);
  Panels scratch(static_cast<size_t>(attention_scratch(kernels(), dim)));
  std::vector<float> together(q.size());
  std::vector<float> alone(static_cast<size_t>(dim));
  kernels().attention(q.data(), dim, rows, k_panels.data(), v_panels.data(), keys, dim, together.data(), dim,
                      scratch.data());
  std::vector<float> in_place = q;
  kernels().attention(in_place.data(), dim, rows, k_panels.data(), v_panels.data(), keys, dim,
                      in_place.data(), dim, scratch.data());
  EXPECT_EQ(in_place, together);
  for (int64_t i = 0; i < rows; ++i) {
    kernels().attention(q.data() + i * dim, dim, 1, k_panels.data(), v_panels.data(), keys, dim, alone.data(),
                        dim, scratch.data());
    for (int64_t d = 0; d < dim; ++d) {
      ASSERT_EQ(together[static_cast<size_t>(i * dim + d)], alone[static_cast<size_t>(d)]);
    }
  }
}

TEST_P(KernelsTest, PeakLoopCountsItsWork) {
  const double one = kernels().peak_loop(1);
  EXPECT_GE(one, 2.0);
  EXPECT_EQ(kernels().peak_loop(1000), 1000 * one);
  EXPECT_EQ(kernels().peak_loop(0), 0);
}

INSTANTIATE_TEST_SUITE_P(Isa, KernelsTest, testing::ValuesIn(every_kernels()), name_of_kernels);

}  // namespace
}  // namespace contentvec::nn
