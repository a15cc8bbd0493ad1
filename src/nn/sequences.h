#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::nn {

/// Rows [first, first + rows) of a batch: those of one utterance.
struct Sequence {
  int64_t first;
  int64_t rows;
};

/// Rows [begin, end) of a batch, all of one sequence.
struct RowRange {
  int64_t sequence;
  int64_t begin;
  int64_t end;
};

/// A ragged batch: the rows of all sequences stand one after the other, with no padding between them.
class Sequences {
 public:
  void clear() {
    all_.clear();
    rows_ = 0;
  }
  void add(int64_t rows) {
    all_.push_back({rows_, rows});
    rows_ += rows;
  }
  /// Of all of them.
  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] std::span<const Sequence> all() const { return all_; }
  [[nodiscard]] const Sequence& operator[](int64_t index) const { return all_[static_cast<size_t>(index)]; }

  /// All rows from row `from` of the first sequence on, cut into ranges of at most `length` that do not cross
  /// sequences. Valid until the next call.
  std::span<const RowRange> ranges(int64_t length, int64_t from = 0);

 private:
  std::vector<Sequence> all_;
  int64_t rows_ = 0;
  std::vector<RowRange> ranges_;
};

}  // namespace contentvec::nn
