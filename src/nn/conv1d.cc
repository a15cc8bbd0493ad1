#include "nn/conv1d.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "nn/matmul.h"

namespace contentvec::nn {
namespace {

/// In bfloat16 differences would be rounded that the convolution itself does not have.
bool has_fast_fir(const Kernels& kernels, const ConvShape& shape) {
  return shape.kernel == 3 && shape.stride == 2 && shape.dilation == 1 && shape.groups == 1 &&
         &kernels == kernels.float32;
}

/// result = a - b; either may be the result.
void subtract(const float* a, const float* b, int64_t count, float* result) {
  for (int64_t i = 0; i < count; ++i) result[i] = a[i] - b[i];
}

}  // namespace

Conv1d::Conv1d(const Kernels& kernels, const ConvShape& shape, std::span<const float> weight,
               std::span<const float> bias, Form form)
    : shape_(shape) {
  if (form == Form::kFastWherePossible && has_fast_fir(kernels, shape)) {
    pack_fast_fir(kernels, weight, bias);
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

void Conv1d::pack_fast_fir(const Kernels& kernels, std::span<const float> weight,
                           std::span<const float> bias) {
  const int64_t in = shape_.in;
  std::vector<float> shared;
  std::vector<float> even;
  std::vector<float> odd;
  for (auto w0 = weight.begin(); w0 != weight.end(); w0 += 3 * in) {
    const auto w1 = w0 + in;
    const auto w2 = w1 + in;
    std::transform(w0, w1, w2, std::back_inserter(shared), std::plus());
    even.insert(even.end(), w0, w2);
    odd.insert(odd.end(), w2, w2 + in);
    odd.insert(odd.end(), w1, w2);
  }
  fast_fir_ = {{kernels, shared, shape_.out, in, {}},
               {kernels, even, shape_.out, 2 * in, bias},
               {kernels, odd, shape_.out, 2 * in, bias}};
}

void Conv1d::run(const Kernels& kernels, float* input, int64_t input_stride, int64_t rows, float* output,
                 int64_t output_stride, const Epilogue& epilogue, std::byte* scratch) const {
  if (groups_.empty()) {
    run_fast_fir(kernels, input, input_stride, rows, output, output_stride, epilogue, scratch);
    return;
  }
  const int64_t out = shape_.out / shape_.groups;
  for (int64_t g = 0; g < shape_.groups; ++g) {
    Epilogue of_group = epilogue;
    if (epilogue.residual != nullptr) of_group.residual += g * out;
    multiply(kernels, windows(input, input_stride, g), rows, group(g), output + g * out, output_stride,
             of_group, scratch);
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

void Conv1d::run_fast_fir(const Kernels& kernels, float* input, int64_t input_stride, int64_t rows,
                          float* output, int64_t output_stride, const Epilogue& epilogue,
                          std::byte* scratch) const {
  const int64_t in = input_stride;
  const int64_t out = output_stride;
  const int64_t even_rows = (rows + 1) / 2;
  const int64_t odd_rows = rows / 2;
  multiply(kernels, {input + 2 * in, 4 * in, 1, shape_.in, 0}, even_rows, fast_fir_.shared, output, 2 * out,
           {}, scratch);
  for (int64_t row = 0; row < odd_rows; ++row) {
    std::copy_n(output + 2 * row * out, shape_.out, output + (2 * row + 1) * out);
  }
  // In place of x0 its difference to x2, and in place of x2 that of the next x0: each then stands beside its
  // x1, x3.
  for (int64_t row = 0; row < even_rows; ++row) {
    float* x = input + 4 * row * in;
    subtract(x, x + 2 * in, shape_.in, x);
    if (row < odd_rows) subtract(x + 4 * in, x + 2 * in, shape_.in, x + 2 * in);
  }
  Epilogue of_even = epilogue;
  of_even.accumulate = true;
  of_even.residual_stride = 2 * epilogue.residual_stride;
  Epilogue of_odd = of_even;
  if (epilogue.residual != nullptr) of_odd.residual += epilogue.residual_stride;
  multiply(kernels, {input, 4 * in, 2, shape_.in, in}, even_rows, fast_fir_.even, output, 2 * out, of_even,
           scratch);
  multiply(kernels, {input + 2 * in, 4 * in, 2, shape_.in, in}, odd_rows, fast_fir_.odd, output + out,
           2 * out, of_odd, scratch);
}

}  // namespace contentvec::nn
