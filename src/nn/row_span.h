#pragma once

#include <cstdint>

namespace contentvec::nn {

/// Rows [begin, end) of an activation over time; before its first row, or past its last, where a convolution looks
/// there.
struct RowSpan {
  int64_t begin;
  int64_t end;
  [[nodiscard]] int64_t count() const { return end - begin; }
  bool operator==(const RowSpan&) const = default;
};

}  // namespace contentvec::nn
