#include "conversion/block_times.h"

#include <algorithm>
#include <cmath>

namespace contentvec::conversion {

void BlockTimes::add(double ms) {
  const double steps = std::log(std::max(ms, kShortestMs) / kShortestMs) / std::log(kStep);
  ++counts_[std::min(static_cast<size_t>(steps), counts_.size() - 1)];
  ++blocks_;
  if (ms > lasts_ms_) ++underruns_;
  last_ms_ = ms;
  sum_ms_ += ms;
  worst_ms_ = std::max(worst_ms_, ms);
}

/// The upper end of the step in which the shortest blocks become this share of all.
double BlockTimes::quantile(double share) const {
  const auto wanted = static_cast<int64_t>(std::ceil(share * static_cast<double>(blocks_)));
  int64_t counted = 0;
  size_t step = 0;
  while (step + 1 < counts_.size() && (counted += counts_[step]) < wanted) ++step;
  return std::min(worst_ms_, kShortestMs * std::pow(kStep, static_cast<double>(step + 1)));
}

void BlockTimes::write(StreamStats& stats) const {
  stats.blocks = blocks_;
  stats.underruns = underruns_;
  stats.last_ms = last_ms_;
  stats.worst_ms = worst_ms_;
  if (blocks_ == 0) return;
  stats.mean_ms = sum_ms_ / static_cast<double>(blocks_);
  stats.p99_ms = quantile(0.99);
}

}  // namespace contentvec::conversion
