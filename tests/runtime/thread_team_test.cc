#include "runtime/thread_team.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support.h"

namespace contentvec {
namespace {

TEST(ThreadTeam, RunsEveryItemOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadTeam team(threads);
    EXPECT_EQ(team.size(), threads);
    for (const int64_t items : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(items));
      std::atomic<bool> wrong_thread{false};
      team.parallel_for(items, [&](int64_t item, int thread) {
        ++runs[static_cast<size_t>(item)];
        if (thread < 0 || thread >= threads) wrong_thread = true;
      });
      for (const std::atomic<int>& count : runs)
        ASSERT_EQ(count, 1) << threads << " threads, " << items << " items";
      EXPECT_FALSE(wrong_thread);
    }
  }
}

TEST(ThreadTeam, ManyShortLoopsInARow) {
  ThreadTeam team(4);
  int64_t total = 0;
  for (int round = 0; round < 5000; ++round) {
    std::atomic<int64_t> sum{0};
    team.parallel_for(8, [&](int64_t item, int) { sum += item; });
    total += sum;
  }
  EXPECT_EQ(total, 5000 * 28);
}

TEST(ThreadTeam, WakesAfterItHasGoneToSleep) {
  ThreadTeam team(3);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> runs{0};
    team.parallel_for(50, [&](int64_t, int) { ++runs; });
    EXPECT_EQ(runs, 50);
  }
}

TEST(ThreadTeam, PassesAnExceptionOnAndStaysUsable) {
  for (const int threads : {1, 4}) {
    ThreadTeam team(threads);
    for (int round = 0; round < 20; ++round) {
      EXPECT_THROW(team.parallel_for(100,
                                     [&](int64_t item, int) {
                                       if (item == 37) throw std::runtime_error("item 37");
                                     }),
                   std::runtime_error);
      std::atomic<int> runs{0};
      team.parallel_for(10, [&](int64_t, int) { ++runs; });
      EXPECT_EQ(runs, 10);
    }
  }
}

TEST(ThreadTeam, NeedsAThread) {
  EXPECT_THAT(test::error_of([] { ThreadTeam team(0); }), testing::HasSubstr("at least 1"));
}

TEST(UsableCpus, IsAtLeastOne) {
  EXPECT_GE(usable_cpus(), 1);
}

}  // namespace
}  // namespace contentvec
