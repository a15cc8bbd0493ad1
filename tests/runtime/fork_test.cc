#include "runtime/fork.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "child.h"
#include "runtime/thread_team.h"

// What a child of fork() can do with what its parent made.

namespace contentvec {
namespace {

int64_t sum_of(ThreadTeam& team, int64_t items) {
  std::atomic<int64_t> sum = 0;
  team.parallel_for(items, [&](int64_t item, int) { sum += item; });
  return sum;
}

TEST(Fork, ATeamRunsLoopsInTheChild) {
  if (test::kSanitized) GTEST_SKIP() << test::kNoThreadsBeforeFork;
  ThreadTeam team(4);
  EXPECT_EQ(sum_of(team, 1000), 499500);
  EXPECT_TRUE(test::succeeds_in_child([&] {
    bool right = true;
    for (int loop = 0; loop < 100; ++loop) right = right && sum_of(team, 1000) == 499500;
    return right && team.size() == 4;
  }));
  EXPECT_EQ(sum_of(team, 1000), 499500) << "the parent's goes on";
}

TEST(Fork, ATeamIsDestroyedInTheChild) {
  if (test::kSanitized) GTEST_SKIP() << test::kNoThreadsBeforeFork;
  auto team = std::make_unique<ThreadTeam>(8);
  EXPECT_EQ(sum_of(*team, 10), 45);
  EXPECT_TRUE(test::succeeds_in_child([&] {
    team.reset();
    return true;
  }));
}

TEST(Fork, GrandchildrenToo) {
  if (test::kSanitized) GTEST_SKIP() << test::kNoThreadsBeforeFork;
  ThreadTeam team(4);
  EXPECT_TRUE(test::succeeds_in_child([&] {
    return sum_of(team, 100) == 4950 && test::succeeds_in_child([&] { return sum_of(team, 100) == 4950; });
  }));
}

TEST(Fork, NoMutexStaysLocked) {
  ForkMutex mutex;
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) {
      const std::lock_guard lock(mutex);
    }
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(test::succeeds_in_child([&] {
      const std::lock_guard lock(mutex);
      return true;
    }));
  }
  stop = true;
  busy.join();
}

TEST(Fork, GenerationsAreCounted) {
  const uint32_t here = fork_generation();
  EXPECT_TRUE(test::succeeds_in_child([&] { return fork_generation() == here + 1; }));
  EXPECT_EQ(fork_generation(), here);
}

}  // namespace
}  // namespace contentvec
