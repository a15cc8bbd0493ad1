#include "nn/conv_transpose1d.h"

#include <algorithm>

#include "nn/matmul.h"
#include "nn/rounding.h"

namespace contentvec::nn {

ConvTranspose1d::ConvTranspose1d(const Kernels& kernels, int64_t in, int64_t out, int64_t kernel,
                                 int64_t stride, int64_t padding, std::span<const float> weight,
                                 std::span<const float> bias)
    : in_(in), out_(out), stride_(stride) {
  const auto neighbours_of = [&](int64_t phase) {
    return RowSpan{divide_down(phase + padding - kernel, stride) + 1,
                   divide_down(phase + padding, stride) + 1};
  };
  for (int64_t phase = 0; phase < stride;) {
    const RowSpan neighbours = neighbours_of(phase);
    const int64_t first = phase;
    std::vector<float> packed;
    std::vector<float> biases;
    for (; phase < stride && neighbours_of(phase) == neighbours; ++phase) {
      for (int64_t o = 0; o < out; ++o) {
        for (int64_t i = neighbours.begin; i < neighbours.end; ++i) {
          const int64_t tap = phase + padding - stride * i;
          for (int64_t c = 0; c < in; ++c)
            packed.push_back(weight[static_cast<size_t>((c * out + o) * kernel + tap)]);
        }
      }
      biases.insert(biases.end(), bias.begin(), bias.end());
    }
    phases_.push_back(
        {first, neighbours, {kernels, packed, (phase - first) * out, neighbours.count() * in, biases}});
  }
}

RowSpan ConvTranspose1d::inputs_of(RowSpan places) const {
  RowSpan seen = phases_.front().neighbours;
  for (const Phases& phases : phases_) {
    seen = {std::min(seen.begin, phases.neighbours.begin), std::max(seen.end, phases.neighbours.end)};
  }
  return {places.begin + seen.begin, places.end - 1 + seen.end};
}

void ConvTranspose1d::run(const Kernels& kernels, const float* x, int64_t x_stride, int64_t places, float* y,
                          std::byte* scratch) const {
  const int64_t first = inputs_of({0, 1}).begin;
  for (const Phases& phases : phases_) {
    const Rows rows = {x + (phases.neighbours.begin - first) * x_stride, x_stride, phases.neighbours.count(),
                       in_, x_stride};
    multiply(kernels, rows, places, phases.matrix, y + phases.first * out_, stride_ * out_, {}, scratch);
  }
}

}  // namespace contentvec::nn
