#pragma once

#include <cstdint>

#include "runtime/aligned_buffer.h"

namespace contentvec::nn {

/// A two-dimensional activation [height, width, channels], channels last, with a border of zeros around it that a
/// 3x3 convolution reads as its padding. The border on the right of a row is the one on the left of the next: in
/// memory the map is one long row of pixels, and its convolution one product over overlapping rows.
class FeatureMap {
 public:
  /// Makes room, with the border zero and what is inside undefined.
  void resize(int64_t height, int64_t width, int64_t channels) {
    height_ = height;
    width_ = width;
    channels_ = channels;
    pixels_.reserve(((height + 2) * (width + 1) + 1) * channels);
    clear_border();
  }

  [[nodiscard]] int64_t height() const { return height_; }
  [[nodiscard]] int64_t width() const { return width_; }
  [[nodiscard]] int64_t channels() const { return channels_; }
  /// Pixels from the first inside the border to the last, with those of the border between them.
  [[nodiscard]] int64_t span() const { return height_ * (width_ + 1) - 1; }
  /// Floats from a pixel to the one below it.
  [[nodiscard]] int64_t row_stride() const { return (width_ + 1) * channels_; }

  /// y from -1 to height, x from -1 to width.
  [[nodiscard]] float* at(int64_t y, int64_t x) { return pixels_.data() + index(y, x); }
  [[nodiscard]] const float* at(int64_t y, int64_t x) const { return pixels_.data() + index(y, x); }

  /// Zeros where a product over span() has written between the rows.
  void clear_between_rows(int64_t first_row, int64_t end_row);

 private:
  [[nodiscard]] int64_t index(int64_t y, int64_t x) const {
    return ((y + 1) * (width_ + 1) + x + 1) * channels_;
  }
  void clear_border();

  int64_t height_ = 0;
  int64_t width_ = 0;
  int64_t channels_ = 0;
  AlignedBuffer<float> pixels_;
};

}  // namespace contentvec::nn
