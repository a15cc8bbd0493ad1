#include "cli/devices/clock_follower.h"

#include <algorithm>
#include <cmath>

namespace contentvec::cli {
namespace {

// Seconds: what the mean is mostly of, before nothing is believed, and in which what is too much would be taken away.
constexpr double kMemory = 4;
constexpr double kBelievedAfter = 2;
constexpr double kCorrection = 10;
constexpr double kTolerance = 0.25;        // of what is wanted
constexpr double kMostChange = 1.0 / 200;  // of a block

}  // namespace

ClockFollower::ClockFollower(size_t wanted, int rate)
    : wanted_(static_cast<double>(wanted)), rate_(static_cast<double>(rate)) {}

int64_t ClockFollower::next(size_t waiting, size_t block) {
  const double seconds = static_cast<double>(block) / rate_;
  seen_ += seconds;
  const double share = std::max(1 - std::exp(-seconds / kMemory), seconds / seen_);
  mean_ += share * (static_cast<double>(waiting) - mean_);
  const double missing = wanted_ - mean_;
  const double excess = std::max(std::abs(missing) - kTolerance * wanted_, 0.0);
  if (excess == 0 || seen_ < kBelievedAfter) {
    due_ = 0;
    return 0;
  }
  const double most = kMostChange * static_cast<double>(block);
  due_ += std::copysign(std::min(excess * seconds / kCorrection, most), missing);
  const double whole = std::trunc(due_);
  due_ -= whole;
  return static_cast<int64_t>(whole);
}

void ClockFollower::forget() {
  seen_ = mean_ = due_ = 0;
}

}  // namespace contentvec::cli
