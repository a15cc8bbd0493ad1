#pragma once

#include <array>
#include <cstdint>

#include "contentvec/stream.h"

namespace contentvec::conversion {

/// How long blocks took, in memory that does not grow: counted by length, each step a hundredth part longer than the
/// one before.
class BlockTimes {
 public:
  /// `lasts_ms`: what a block lasts.
  explicit BlockTimes(double lasts_ms) : lasts_ms_(lasts_ms) {}
  void add(double ms);
  void write(StreamStats& stats) const;

 private:
  [[nodiscard]] double quantile(double share) const;

  static constexpr double kShortestMs = 0.01;
  static constexpr double kStep = 1.01;
  double lasts_ms_;
  std::array<uint32_t, 1700> counts_ = {};  ///< up to 220 s
  int64_t blocks_ = 0;
  int64_t underruns_ = 0;
  double last_ms_ = 0;
  double sum_ms_ = 0;
  double worst_ms_ = 0;
};

}  // namespace contentvec::conversion
