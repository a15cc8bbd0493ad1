#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::cli::plot {

/// Features of a recording as a picture can show them: each column is the mean of the frames that fall into it, so that
/// memory is bounded, however long the recording.
class FeatureMap {
 public:
  /// Of a recording of so many frames of `dim` values.
  FeatureMap(int64_t frames, int64_t dim);

  /// Frames `first_frame` and following, [frames, dim]. Each is to be added once, in any order.
  void add(int64_t first_frame, std::span<const float> rows);

  [[nodiscard]] int64_t columns() const { return static_cast<int64_t>(frames_of_column_.size()); }
  [[nodiscard]] int64_t dim() const { return dim_; }

  /// [columns, dim]: 0 where a channel is two standard deviations below its own mean, or less, to 1 where it is as much
  /// above.
  [[nodiscard]] std::vector<float> levels() const;

  /// The cosine of every column with every one, [columns, columns].
  [[nodiscard]] std::vector<float> similarities() const;

 private:
  /// [columns, dim], the means.
  [[nodiscard]] std::vector<float> means() const;

  int64_t frames_;
  int64_t dim_;
  std::vector<float> sums_;  ///< [columns, dim]
  std::vector<int64_t> frames_of_column_;
};

}  // namespace contentvec::cli::plot
