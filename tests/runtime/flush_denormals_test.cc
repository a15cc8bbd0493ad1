#include "runtime/flush_denormals.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "runtime/thread_team.h"

namespace contentvec {
namespace {

constexpr float kSmallest = std::numeric_limits<float>::min();  // that is no denormal

/// Through memory that the compiler knows nothing of, so that it is computed here and now.
float half_of(float x) {
  volatile float from = x;
  volatile float half = from * 0.5F;
  return half;
}

bool can_flush() {
  const FlushDenormals flush;
  const float half = half_of(kSmallest);
  return half == 0;
}

TEST(FlushDenormals, LastsAsLongAsItLives) {
  if (!can_flush()) GTEST_SKIP() << "no such switch is known for this CPU";
  EXPECT_GT(half_of(kSmallest), 0);
  {
    const FlushDenormals flush;
    const FlushDenormals inside;
    EXPECT_EQ(half_of(kSmallest), 0);
  }
  EXPECT_GT(half_of(kSmallest), 0);
}

TEST(FlushDenormals, LoopsRunWithItOnEveryThread) {
  if (!can_flush()) GTEST_SKIP() << "no such switch is known for this CPU";
  ThreadTeam team(3);
  std::vector<float> halves(1000, 1);
  team.parallel_for(1000, [&](int64_t i, int) { halves[static_cast<size_t>(i)] = half_of(kSmallest); });
  for (const float half : halves) EXPECT_EQ(half, 0);
  EXPECT_GT(half_of(kSmallest), 0);
}

}  // namespace
}  // namespace contentvec
