#include "runtime/aligned_buffer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace contentvec {
namespace {

uintptr_t address(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

/// Physical memory this process holds; 0: the system does not say.
int64_t held_bytes() {
  int64_t mapped = 0;
  int64_t held = 0;
  std::ifstream("/proc/self/statm") >> mapped >> held;
  return held * sysconf(_SC_PAGESIZE);
}

TEST(AlignedBuffer, BeginsOnACacheLineAndLargeOnesOnAHugePage) {
  for (const int64_t count : {1, 63, 4096, 3'000'001}) {
    AlignedBuffer<float> buffer(count);
    const size_t bytes = static_cast<size_t>(count) * sizeof(float);
    EXPECT_EQ(address(buffer.data()) % (bytes >= kHugePage ? kHugePage : 64), 0U) << count;
    std::fill_n(buffer.data(), count, 1.0F);  // all of it is there
  }
}

TEST(AlignedBuffer, KeepsItsMemoryUntilItHasToGrow) {
  AlignedBuffer<float> buffer(1000);
  const float* before = buffer.data();
  buffer.data()[999] = 5;
  EXPECT_EQ(buffer.reserve(10), before);
  EXPECT_EQ(buffer.reserve(1000)[999], 5);
  float* grown = buffer.reserve(2'000'000);
  std::fill_n(grown, 2'000'000, 1.0F);
  EXPECT_EQ(buffer.data(), grown);
}

TEST(AlignedBuffer, GivesLargeMemoryBackWhenItGrowsOrEnds) {
  constexpr int64_t kCount = 24 << 20;
  const int64_t before = held_bytes();
  if (before == 0) GTEST_SKIP() << "this system has no /proc/self/statm";
  {
    AlignedBuffer<char> buffer(kCount);
    std::fill_n(buffer.data(), kCount, 'a');
    EXPECT_GE(held_bytes() - before, kCount * 9 / 10);
    std::fill_n(buffer.reserve(kCount + 1), 1, 'a');
    EXPECT_LE(held_bytes() - before, kCount / 2);
  }
  EXPECT_LE(held_bytes() - before, kCount / 4);
}

TEST(AlignedBuffer, SaysWhenThereIsNoSuchMemory) {
  AlignedBuffer<char> buffer;
  EXPECT_THROW(buffer.reserve(INT64_MAX), std::bad_alloc);
  EXPECT_THROW(buffer.reserve(INT64_MAX / 4), std::bad_alloc);
  std::fill_n(buffer.reserve(100), 100, 'a');
}

}  // namespace
}  // namespace contentvec
