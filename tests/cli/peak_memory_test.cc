#include "cli/peak_memory.h"

#include <gtest/gtest.h>

#include <memory>

namespace contentvec::cli {
namespace {

TEST(PeakMemory, GrowsWithWhatIsTouchedAndStays) {
  // Far more than what tests before this one, in a sanitizer's process, have held and given back.
  constexpr size_t kBytes = size_t{256} << 20;
  const int64_t before = peak_memory();
  EXPECT_GT(before, 1 << 20);
  {
    const auto touched = std::make_unique<char[]>(kBytes);  // zero-filled, so each page is
    EXPECT_EQ(touched[kBytes - 1], 0);
  }
  const int64_t after = peak_memory();
  // the peak before may have been above what is held now by some of it
  EXPECT_GT(after, before + static_cast<int64_t>(kBytes) / 2);
  EXPECT_LT(after, before + 2 * static_cast<int64_t>(kBytes));
}

}  // namespace
}  // namespace contentvec::cli
