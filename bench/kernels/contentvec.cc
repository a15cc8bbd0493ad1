// The library's side, the one place here that knows its kernels' interface. Activations have the row stride
// they have in the engine.

#include <algorithm>

#include "bench/kernels/shape.h"
#include "nn/conv2d.h"
#include "nn/kernels/select.h"
#include "nn/matmul.h"
#include "runtime/thread_team.h"

namespace contentvec::bench {
namespace {

using namespace nn;

constexpr int64_t kRows = 96;  // of one parallel item, as in the engine

/// What all steps have: kernels, threads with their scratch, and activations with the engine's row stride.
class OurStep : public Step {
 public:
  OurStep(const Shape& shape, DType dtype, int threads)
      : shape_(shape),
        kernels_(kernels_for(shape, dtype)),
        machine_(kernels_, threads),
        context_(machine_.context()),
        out_stride_(row_stride(shape.out)),
        out_(shape.rows * out_stride_) {}

  [[nodiscard]] float at(int64_t row, int64_t column) const override {
    return out_.data()[row * out_stride_ + column];
  }

 protected:
  /// conv 0 is always computed from float32.
  static const Kernels& kernels_for(const Shape& shape, DType dtype) {
    const Kernels& kernels = select_kernels(dtype);
    return shape.in == 1 ? *kernels.float32 : kernels;
  }

  /// `rows` rows of `width` values with `stride` from one to the next; what is between them is never read.
  static AlignedBuffer<float> with_stride(const std::vector<float>& x, int64_t rows, int64_t width,
                                          int64_t stride) {
    AlignedBuffer<float> buffer(rows * stride);
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(x.data() + row * width, width, buffer.data() + row * stride);
    return buffer;
  }
  /// body(begin, end, thread) for all rows, over the team.
  template <typename Body>
  void for_rows(const Body& body) {
    context_.team.parallel_for((shape_.rows + kRows - 1) / kRows, [&](int64_t item, int thread) {
      body(item * kRows, std::min((item + 1) * kRows, shape_.rows), thread);
    });
  }

  Shape shape_;
  const Kernels& kernels_;
  Machine machine_;
  Context context_;
  int64_t out_stride_;
  AlignedBuffer<float> out_;
};

/// Linear layers and convolutions: one product over rows that overlap.
class Product final : public OurStep {
 public:
  Product(const Shape& shape, const Inputs& inputs, DType dtype, int threads)
      : OurStep(shape, dtype, threads),
        stride_(shape.in == 1 ? 1 : row_stride(shape.in)),
        x_(with_stride(inputs.x, shape.in_rows(), shape.in, stride_)),
        matrix_(kernels_, inputs.weight, shape.out, shape.kernel * shape.in, inputs.bias) {}

  void run() override {
    // conv 0's taps are next to each other
    const Rows rows = shape_.in == 1
                          ? Rows{x_.data(), shape_.stride, 1, shape_.kernel, 0}
                          : Rows{x_.data(), shape_.stride * stride_, shape_.kernel, shape_.in, stride_};
    multiply(context_, rows, shape_.rows, matrix_, out_.data(), out_stride_,
             {.activation = shape_.gelu ? kGelu : Activation()});
  }

 private:
  int64_t stride_;
  AlignedBuffer<float> x_;
  PackedMatrix matrix_;
};

/// The positional convolution: one product per group, over a window that has the group's channels side by
/// side.
class Positions final : public OurStep {
 public:
  Positions(const Shape& shape, const Inputs& inputs, DType dtype, int threads)
      : OurStep(shape, dtype, threads),
        stride_(row_stride(shape.in)),
        width_(shape.in / shape.groups),
        x_(with_stride(inputs.x, shape.rows, shape.in, stride_)) {
    const int64_t depth = shape.kernel * width_;
    const std::span<const float> weight = inputs.weight;
    const std::span<const float> bias = inputs.bias;
    for (int64_t group = 0; group < shape.groups; ++group) {
      const auto first = static_cast<size_t>(group * width_);
      const auto width = static_cast<size_t>(width_);
      matrices_.emplace_back(
          kernels_, weight.subspan(first * static_cast<size_t>(depth), width * static_cast<size_t>(depth)),
          width_, depth, bias.subspan(first, width));
    }
    context_.reserve_scratch((kRows + shape.kernel - 1) * width_);
  }

  void run() override {
    for_rows([&](int64_t begin, int64_t end, int thread) {
      float* window = context_.scratch(thread);
      for (int64_t group = 0; group < shape_.groups; ++group) {
        fill(window, begin, end, group);
        multiply(kernels_, {window, width_, 1, shape_.kernel * width_, 0}, end - begin,
                 matrices_[static_cast<size_t>(group)], out_.data() + begin * out_stride_ + group * width_,
                 out_stride_, {.activation = kGelu}, context_.product_scratch(thread));
      }
    });
  }

 private:
  void fill(float* window, int64_t begin, int64_t end, int64_t group) const {
    for (int64_t i = 0; i < end - begin + shape_.kernel - 1; ++i, window += width_) {
      const int64_t frame = begin - shape_.kernel / 2 + i;
      if (frame >= 0 && frame < shape_.rows) {
        std::copy_n(x_.data() + frame * stride_ + group * width_, width_, window);
      } else {
        std::fill_n(window, width_, 0.0F);
      }
    }
  }

  int64_t stride_;
  int64_t width_;
  AlignedBuffer<float> x_;
  std::vector<PackedMatrix> matrices_;
};

/// Attention of all heads, packing keys and values included, as it is done once per block.
class Attention final : public OurStep {
 public:
  Attention(const Shape& shape, const Inputs& inputs, DType dtype, int threads)
      : OurStep(shape, dtype, threads),
        dim_(shape.in / shape.groups),
        stride_(row_stride(3 * shape.in)),
        key_bytes_(panel_bytes(kernels_, kernels_.key_values, shape.rows, dim_)),
        value_bytes_(panel_bytes(kernels_, kernels_.key_values, dim_, shape.rows)),
        qkv_(with_stride(inputs.x, shape.rows, 3 * shape.in, stride_)),
        keys_(shape.groups * key_bytes_),
        values_(shape.groups * value_bytes_) {
    context_.reserve_scratch(attention_scratch(kernels_, dim_) / static_cast<int64_t>(sizeof(float)) + 1);
  }

  void run() override {
    const KeyRange all = {0, shape_.rows, shape_.rows};
    context_.team.parallel_for(shape_.groups, [&](int64_t head, int) {
      const float* k = qkv_.data() + shape_.in + head * dim_;
      kernels_.pack_keys(k, stride_, all, dim_, keys_.data() + head * key_bytes_);
      kernels_.pack_values(k + shape_.in, stride_, all, dim_, values_.data() + head * value_bytes_);
    });
    const int64_t blocks = (shape_.rows + kRows - 1) / kRows;
    context_.team.parallel_for(shape_.groups * blocks, [&](int64_t item, int thread) {
      const int64_t head = item / blocks;
      const int64_t begin = item % blocks * kRows;
      kernels_.attention(
          qkv_.data() + begin * stride_ + head * dim_, stride_, std::min(kRows, shape_.rows - begin),
          keys_.data() + head * key_bytes_, values_.data() + head * value_bytes_, shape_.rows, dim_,
          out_.data() + begin * out_stride_ + head * dim_, out_stride_, context_.scratch(thread));
    });
  }

 private:
  int64_t dim_;
  int64_t stride_;
  int64_t key_bytes_;
  int64_t value_bytes_;
  AlignedBuffer<float> qkv_;
  AlignedBuffer<std::byte> keys_;
  AlignedBuffer<std::byte> values_;
};

class LayerNorm final : public OurStep {
 public:
  LayerNorm(const Shape& shape, const Inputs& inputs, DType dtype, int threads)
      : OurStep(shape, dtype, threads),
        x_(with_stride(inputs.x, shape.rows, shape.in, out_stride_)),
        scale_(inputs.weight),
        shift_(inputs.bias) {}

  void run() override {
    for_rows([&](int64_t begin, int64_t end, int) {
      kernels_.layer_norm(x_.data() + begin * out_stride_, out_stride_, end - begin, shape_.in, scale_.data(),
                          shift_.data(), 1e-5F, {}, out_.data() + begin * out_stride_, out_stride_);
    });
  }

 private:
  AlignedBuffer<float> x_;
  std::vector<float> scale_;
  std::vector<float> shift_;
};

class Map final : public OurStep {
 public:
  Map(const Shape& shape, const Inputs& inputs, DType dtype, int threads)
      : OurStep(shape, dtype, threads),
        convolution_(kernels_, shape.in, shape.out, 3, as_torch(shape, inputs.weight), inputs.bias) {
    from_.resize(shape.rows / shape.width, shape.width, shape.in);
    for (int64_t y = 0; y < from_.height(); ++y) {
      const int64_t row = shape.width * shape.in;
      std::copy_n(inputs.x.data() + y * row, row, from_.at(y, 0));
    }
  }

  void run() override { convolution_.run(context_, from_, to_); }

  [[nodiscard]] float at(int64_t row, int64_t column) const override {
    return to_.at(row / shape_.width, row % shape_.width)[column];
  }

 private:
  /// [out, in, 3, 3]
  static std::vector<float> as_torch(const Shape& shape, const std::vector<float>& weight) {
    std::vector<float> turned;
    turned.reserve(weight.size());
    for (int64_t row = 0; row < shape.out * shape.in; ++row) {
      for (int64_t tap = 0; tap < shape.kernel; ++tap) {
        const int64_t at = (row / shape.in * shape.kernel + tap) * shape.in + row % shape.in;
        turned.push_back(weight[static_cast<size_t>(at)]);
      }
    }
    return turned;
  }

  Conv2d convolution_;
  FeatureMap from_;
  FeatureMap to_;
};

}  // namespace

std::unique_ptr<Step> make_contentvec(const Shape& shape, const Inputs& inputs, DType dtype, int threads) {
  switch (shape.kind) {
    case Shape::Kind::kProduct:
    case Shape::Kind::kConvolution:
      return std::make_unique<Product>(shape, inputs, dtype, threads);
    case Shape::Kind::kMap:
      return std::make_unique<Map>(shape, inputs, dtype, threads);
    case Shape::Kind::kPositions:
      return std::make_unique<Positions>(shape, inputs, dtype, threads);
    case Shape::Kind::kAttention:
      return std::make_unique<Attention>(shape, inputs, dtype, threads);
    case Shape::Kind::kNorm:
      return std::make_unique<LayerNorm>(shape, inputs, dtype, threads);
  }
  return nullptr;
}

}  // namespace contentvec::bench
