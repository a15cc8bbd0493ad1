#include "tensors/axes.h"

namespace contentvec::tensors {

checkpoint::Tensor permuted(const checkpoint::Tensor& tensor, std::span<const size_t> order) {
  checkpoint::Tensor result = tensor;
  for (size_t d = 0; d < order.size(); ++d) {
    result.shape[d] = tensor.shape[order[d]];
    result.strides[d] = tensor.strides[order[d]];
  }
  return result;
}

std::vector<float> swap_last_axes(const std::vector<float>& values, int64_t outer, int64_t rows,
                                  int64_t columns) {
  std::vector<float> result(values.size());
  const float* from = values.data();
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        result[static_cast<size_t>((o * columns + j) * rows + i)] = *from++;
      }
    }
  }
  return result;
}

}  // namespace contentvec::tensors
