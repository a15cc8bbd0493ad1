// How the output keeps step with the input, each with a clock of its own.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "cli/devices/clock_follower.h"
#include "cli/devices/stretch.h"

namespace contentvec::test {
namespace {

constexpr int kClockRate = 48000;
constexpr size_t kClockBlock = 12000;
constexpr size_t kReserve = 6000;

struct Followed {
  double least = 1e9;  ///< samples that waited, once it had settled
  double most = 0;
  int64_t inserted = 0;
};

/// Hours of blocks for a device that is so many parts faster than the input, each computed up to `jitter` samples later
/// than another.
Followed follow(double faster, double hours, double jitter, double waiting = kReserve) {
  cli::ClockFollower clock(kReserve, kClockRate);
  std::mt19937 random(2);
  std::uniform_real_distribution<double> late(0, jitter);
  Followed result;
  double lateness = 0;
  const auto blocks = static_cast<int64_t>(hours * 3600 * kClockRate / kClockBlock);
  for (int64_t block = 0; block < blocks; ++block) {
    const double now = late(random);
    waiting = std::max(waiting - (now - lateness), 0.0);
    lateness = now;
    if (block > 1000) {
      result.least = std::min(result.least, waiting);
      result.most = std::max(result.most, waiting);
    }
    const int64_t more = clock.next(static_cast<size_t>(waiting), kClockBlock);
    EXPECT_LE(std::abs(more), static_cast<int64_t>(kClockBlock / 200));
    result.inserted += more;
    waiting += static_cast<double>(more) - static_cast<double>(kClockBlock) * faster;
  }
  return result;
}

TEST(ClockFollower, LeavesEqualClocksAlone) {
  EXPECT_EQ(follow(0, 5, 1000).inserted, 0);
}

TEST(ClockFollower, KeepsStepForHours) {
  for (const double faster : {200e-6, -200e-6, 20e-6, -20e-6, 1e-3}) {
    const Followed result = follow(faster, 10, 1000);
    EXPECT_GT(result.least, kReserve / 2) << faster;
    EXPECT_LT(result.most, kReserve * 3 / 2) << faster;
    const double drift = faster * 10 * 3600 * kClockRate;
    EXPECT_NEAR(static_cast<double>(result.inserted), drift, kReserve) << faster;
  }
}

TEST(ClockFollower, TakesBackWhatABreakAdded) {
  const Followed result = follow(0, 0.2, 0, 4 * kReserve);
  EXPECT_LT(result.most, kReserve * 1.3);
  EXPECT_GT(result.least, kReserve);
}

TEST(Stretch, IsTheSameSoundInMoreOrFewerSamples) {
  for (const int size : {400, 12000}) {
    for (const int more : {-2, -1, 0, 1, 2}) {
      std::vector<float> in(static_cast<size_t>(size));
      std::vector<float> out(static_cast<size_t>(size + more));
      // 4/5 of the highest frequency, and a low one.
      const auto wave = [](double t) {
        return 0.4 * std::sin(0.8 * std::numbers::pi * t) + 0.4 * std::sin(0.02 * t);
      };
      for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(wave(static_cast<double>(i)));
      cli::stretch(in, out);
      // From the 16th sample to the 16th from the end evenly.
      const double step = (size - 31.0) / (size + more - 31.0);
      for (size_t i = 0; i < out.size(); ++i) {
        const auto place = static_cast<double>(i);
        const double inside = 15 + (place - 15) * step;
        const double expected = i < 16 ? place : i + 16 >= out.size() ? place - more : inside;
        ASSERT_NEAR(out[i], wave(expected), more == 0 ? 1e-6 : 0.8 * 3.2e-4)
            << size << " " << more << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace contentvec::test
