#include "nn/conv1d.h"

#include <algorithm>

#include "nn/matmul.h"

namespace contentvec::nn {
namespace {

bool has_fast_fir(const ConvShape& shape) {
  return shape.kernel == 3 && shape.stride == 2 && shape.dilation == 1 && shape.groups == 1;
}

}  // namespace

Conv1d::Conv1d(const Kernels& kernels, const ConvShape& shape, std::span<const float> weight,
               std::span<const float> bias, Form form)
    : shape_(shape) {
  if (form == Form::kFastWherePossible && has_fast_fir(shape)) {
    fast_.emplace(kernels, shape.in, shape.out, weight, bias);
    return;
  }
  const int64_t columns = shape.out / shape.groups;
  const int64_t depth = shape.kernel * shape.in / shape.groups;
  groups_.resize(static_cast<size_t>(shape.groups));
  for (int64_t g = 0; g < shape.groups; ++g) {
    const auto size = static_cast<size_t>(columns * depth);
    const auto of_bias =
        bias.empty() ? bias : bias.subspan(static_cast<size_t>(g * columns), static_cast<size_t>(columns));
    groups_[static_cast<size_t>(g)].assign(kernels, weight.subspan(static_cast<size_t>(g) * size, size),
                                           columns, depth, of_bias);
  }
}

RowSpan Conv1d::inputs_of(RowSpan rows) const {
  if (fast_) return FastFir::inputs_of(rows);
  return {rows.begin * shape_.stride,
          (rows.end - 1) * shape_.stride + (shape_.kernel - 1) * shape_.dilation + 1};
}

void Conv1d::run(const Kernels& kernels, float* input, int64_t input_stride, int64_t rows, float* output,
                 int64_t output_stride, const Epilogue& epilogue, float* scratch,
                 std::byte* product_scratch) const {
  if (fast_) {
    fast_->run(kernels, input, input_stride, rows, output, output_stride, epilogue, scratch, product_scratch);
    return;
  }
  const int64_t out = shape_.out / shape_.groups;
  for (int64_t g = 0; g < shape_.groups; ++g) {
    Epilogue of_group = epilogue;
    if (epilogue.residual != nullptr) of_group.residual += g * out;
    multiply(kernels, windows(input, input_stride, g), rows, group(g), output + g * out, output_stride,
             of_group, product_scratch);
  }
}

void Conv1d::run(const Context& context, const float* input, int64_t input_stride, int64_t rows,
                 float* output, int64_t output_stride, const Epilogue& epilogue) const {
  const int64_t out = shape_.out / shape_.groups;
  for (int64_t g = 0; g < shape_.groups; ++g) {
    Epilogue of_group = epilogue;
    if (epilogue.residual != nullptr) of_group.residual += g * out;
    multiply(context, windows(input, input_stride, g), rows, group(g), output + g * out, output_stride,
             of_group);
  }
}

Rows Conv1d::windows(const float* input, int64_t input_stride, int64_t group) const {
  const int64_t in = shape_.in / shape_.groups;
  const int64_t tap = shape_.dilation * input_stride;
  if (in == 1 && tap == 1) return {input, shape_.stride, 1, shape_.kernel, 0};  // one signal's samples
  return {input + group * in, shape_.stride * input_stride, shape_.kernel, in, tap};
}

}  // namespace contentvec::nn
