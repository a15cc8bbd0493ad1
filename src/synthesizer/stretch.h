#pragma once

#include <algorithm>
#include <cstdint>

#include "nn/same_conv1d.h"
#include "runtime/aligned_buffer.h"

namespace contentvec::synthesizer {

using nn::RowSpan;

inline RowSpan both(RowSpan a, RowSpan b) {
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}
inline RowSpan clipped(RowSpan a, RowSpan to) {
  return {std::max(a.begin, to.begin), std::min(a.end, to.end)};
}

/// Rows [begin, end) of an activation over time, dense, found by their place in the utterance.
class Stretch {
 public:
  /// Makes room; what was there before is lost.
  void resize(RowSpan span, int64_t channels) {
    span_ = span;
    channels_ = channels;
    values_.reserve(span.count() * channels);
  }

  [[nodiscard]] RowSpan span() const { return span_; }
  [[nodiscard]] int64_t channels() const { return channels_; }
  [[nodiscard]] float* row(int64_t row) { return values_.data() + (row - span_.begin) * channels_; }
  [[nodiscard]] const float* row(int64_t row) const {
    return values_.data() + (row - span_.begin) * channels_;
  }

  /// Zeros in all other rows than these.
  void clear_outside(RowSpan rows) {
    clear({span_.begin, rows.begin});
    clear({rows.end, span_.end});
  }
  void clear(RowSpan rows) {
    rows = clipped(rows, span_);
    if (rows.count() > 0) std::fill(row(rows.begin), row(rows.end), 0.0F);
  }

  /// Lets the rows before `first` go, and has as many as before from there on; rows [first, end) are kept.
  void advance(int64_t first, int64_t end) {
    if (end > first) std::copy(row(first), row(end), values_.data());
    span_ = {first, first + span_.count()};
  }

 private:
  RowSpan span_ = {0, 0};
  int64_t channels_ = 0;
  AlignedBuffer<float> values_;
};

}  // namespace contentvec::synthesizer
