#include "nn/feature_map.h"

#include <algorithm>

namespace contentvec::nn {

void FeatureMap::clear_between_rows(int64_t first_row, int64_t end_row) {
  for (int64_t y = first_row; y < end_row; ++y) std::fill_n(at(y, width_), channels_, 0.0F);
}

void FeatureMap::clear_border() {
  std::fill(at(-1, -1), at(0, 0), 0.0F);
  clear_between_rows(0, height_);
  std::fill_n(at(height_, 0), (width_ + 1) * channels_, 0.0F);
}

}  // namespace contentvec::nn
