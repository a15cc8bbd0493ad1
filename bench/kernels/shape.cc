#include "bench/kernels/shape.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace contentvec::bench {
namespace {

double gelu(double x) {
  return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
}

std::vector<float> uniform(std::minstd_rand& random, int64_t count, float low, float high) {
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = distribution(random);
  return values;
}

double value(const std::vector<float>& values, int64_t index) {
  return static_cast<double>(values[static_cast<size_t>(index)]);
}

/// A convolution, of which a product is the one with a kernel of 1.
double expected_sum(const Shape& shape, const Inputs& inputs, int64_t row, int64_t column) {
  const int64_t groups = shape.kind == Shape::Kind::kPositions ? shape.groups : 1;
  const int64_t depth = shape.in / groups;
  const int64_t first = column / (shape.out / groups) * depth;
  const int64_t padding = shape.kind == Shape::Kind::kPositions ? shape.kernel / 2 : 0;
  double sum = value(inputs.bias, column);
  for (int64_t tap = 0; tap < shape.kernel; ++tap) {
    const int64_t from = row * shape.stride - padding + tap;
    if (from < 0 || from >= shape.in_rows()) continue;
    for (int64_t k = 0; k < depth; ++k) {
      sum += value(inputs.x, from * shape.in + first + k) *
             value(inputs.weight, (column * shape.kernel + tap) * depth + k);
    }
  }
  return shape.gelu ? gelu(sum) : sum;
}

double expected_map(const Shape& shape, const Inputs& inputs, int64_t row, int64_t column) {
  double sum = value(inputs.bias, column);
  for (int64_t tap = 0; tap < shape.kernel; ++tap) {
    const int64_t y = row / shape.width + tap / 3 - 1;
    const int64_t x = row % shape.width + tap % 3 - 1;
    if (y < 0 || y >= shape.rows / shape.width || x < 0 || x >= shape.width) continue;
    for (int64_t k = 0; k < shape.in; ++k) {
      sum += value(inputs.x, (y * shape.width + x) * shape.in + k) *
             value(inputs.weight, (column * shape.kernel + tap) * shape.in + k);
    }
  }
  return sum;
}

double expected_attention(const Shape& shape, const Inputs& inputs, int64_t row, int64_t column) {
  const int64_t dim = shape.in / shape.groups;
  const int64_t head = column / dim * dim;
  const int64_t stride = 3 * shape.in;
  std::vector<double> scores;
  for (int64_t key = 0; key < shape.rows; ++key) {
    double score = 0;
    for (int64_t d = head; d < head + dim; ++d) {
      score += value(inputs.x, row * stride + d) * value(inputs.x, key * stride + shape.in + d);
    }
    scores.push_back(score);
  }
  const double highest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  double total = 0;
  for (int64_t key = 0; key < shape.rows; ++key) {
    const double weight = std::exp(scores[static_cast<size_t>(key)] - highest);
    sum += weight;
    total += weight * value(inputs.x, key * stride + 2 * shape.in + column);
  }
  return total / sum;
}

double expected_norm(const Shape& shape, const Inputs& inputs, int64_t row, int64_t column) {
  double mean = 0;
  double variance = 0;
  for (int64_t i = 0; i < shape.in; ++i) mean += value(inputs.x, row * shape.in + i);
  mean /= static_cast<double>(shape.in);
  for (int64_t i = 0; i < shape.in; ++i) variance += std::pow(value(inputs.x, row * shape.in + i) - mean, 2);
  variance /= static_cast<double>(shape.in);
  return (value(inputs.x, row * shape.in + column) - mean) / std::sqrt(variance + 1e-5) *
             value(inputs.weight, column) +
         value(inputs.bias, column);
}

}  // namespace

double Shape::flops() const {
  const auto size = [](int64_t a, int64_t b) { return static_cast<double>(a) * static_cast<double>(b); };
  switch (kind) {
    case Kind::kProduct:
    case Kind::kConvolution:
    case Kind::kMap:
      return 2 * size(rows, out) * size(kernel, in);
    case Kind::kPositions:
      return 2 * size(rows, out) * size(kernel, in / groups);
    case Kind::kAttention:
      return 4 * size(rows, rows) * static_cast<double>(in);
    case Kind::kNorm:
      return 8 * size(rows, in);
  }
  return 0;
}

std::vector<Shape> shapes_of(const ModelConfig& config, int64_t samples) {
  using Kind = Shape::Kind;
  std::vector<Shape> shapes;
  int64_t rows = samples;
  int64_t in = 1;
  for (size_t i = 0; i < config.conv_layers.size(); ++i) {
    const ConvLayer& layer = config.conv_layers[i];
    rows = (rows - layer.kernel) / layer.stride + 1;
    shapes.push_back({.name = "conv" + std::to_string(i),
                      .kind = Kind::kConvolution,
                      .rows = rows,
                      .in = in,
                      .out = layer.dim,
                      .gelu = true,
                      .kernel = layer.kernel,
                      .stride = layer.stride});
    in = layer.dim;
  }
  const int64_t width = config.encoder_embed_dim;
  const int64_t inner = config.encoder_ffn_embed_dim;
  const auto product = [&](const char* name, int64_t from, int64_t to, bool with_gelu = false) {
    shapes.push_back({.name = name, .rows = rows, .in = from, .out = to, .gelu = with_gelu});
  };
  shapes.push_back(
      {.name = "norm" + std::to_string(in), .kind = Kind::kNorm, .rows = rows, .in = in, .out = in});
  product("projection", in, width);
  shapes.push_back({.name = "pos_conv",
                    .kind = Kind::kPositions,
                    .rows = rows,
                    .in = width,
                    .out = width,
                    .gelu = true,
                    .kernel = config.conv_pos,
                    .groups = config.conv_pos_groups});
  shapes.push_back(
      {.name = "norm" + std::to_string(width), .kind = Kind::kNorm, .rows = rows, .in = width, .out = width});
  product("qkv", width, 3 * width);
  shapes.push_back({.name = "attention",
                    .kind = Kind::kAttention,
                    .rows = rows,
                    .in = width,
                    .out = width,
                    .groups = config.encoder_attention_heads});
  product("out_proj", width, width);
  product("fc1", width, inner, true);
  product("fc2", inner, width);
  product("final_proj", width, config.final_dim);
  return shapes;
}

std::vector<Shape> rmvpe_shapes(int64_t samples) {
  constexpr int64_t kHop = 160;
  constexpr int64_t kPixel = 32;  // frames of the innermost layer's
  std::vector<Shape> shapes;
  int64_t height = (samples / kHop + kPixel) / kPixel * kPixel;
  int64_t channels = 16;
  for (int64_t width = 128; width >= 4; width /= 2, height /= 2, channels *= 2) {
    shapes.push_back({.name = "rmvpe" + std::to_string(channels),
                      .kind = Shape::Kind::kMap,
                      .rows = height * width,
                      .in = channels,
                      .out = channels,
                      .kernel = 9,
                      .width = width});
  }
  return shapes;
}

Inputs::Inputs(const Shape& shape) {
  std::minstd_rand random(1);
  const bool attention = shape.kind == Shape::Kind::kAttention;
  const int64_t depth = shape.kind == Shape::Kind::kPositions ? shape.in / shape.groups : shape.in;
  x = uniform(random, shape.in_rows() * shape.in * (attention ? 3 : 1), -0.5F, 0.5F);
  if (attention) return;
  const bool norm = shape.kind == Shape::Kind::kNorm;
  weight = uniform(random, norm ? shape.in : shape.out * shape.kernel * depth, -0.1F, 0.1F);
  bias = uniform(random, shape.out, -0.1F, 0.1F);
}

double expected(const Shape& shape, const Inputs& inputs, int64_t row, int64_t column) {
  switch (shape.kind) {
    case Shape::Kind::kAttention:
      return expected_attention(shape, inputs, row, column);
    case Shape::Kind::kNorm:
      return expected_norm(shape, inputs, row, column);
    case Shape::Kind::kMap:
      return expected_map(shape, inputs, row, column);
    default:
      return expected_sum(shape, inputs, row, column);
  }
}

}  // namespace contentvec::bench
