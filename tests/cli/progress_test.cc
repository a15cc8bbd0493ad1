#include "cli/progress.h"

#include <gtest/gtest.h>

namespace contentvec::cli {
namespace {

TEST(Progress, SaysHowFarAndHowLong) {
  EXPECT_EQ(progress_text({.total = 120, .reached = 30, .audio_seconds = 5400, .seconds = 60}),
            "30/120 files  1.50 h audio  90x real time  3:00 left");
}

TEST(Progress, WhatWasThereAlreadyTookNoTime) {
  EXPECT_EQ(progress_text({.total = 120, .reached = 110, .skipped = 100, .audio_seconds = 36, .seconds = 20}),
            "110/120 files  0.01 h audio  1.8x real time  0:20 left");
}

TEST(Progress, WhatIsDoneOfALongOneCounts) {
  EXPECT_EQ(progress_text({.total = 1, .begun = 0.25, .audio_seconds = 900, .seconds = 60}),
            "0/1 files  0.25 h audio  15x real time  3:00 left");
  EXPECT_EQ(progress_text({.total = 4, .reached = 2, .skipped = 1, .begun = 0.5, .seconds = 30}),
            "2/4 files  0.00 h audio  0.0x real time  0:30 left");
}

TEST(Progress, KnowsNothingAtTheStart) {
  EXPECT_EQ(progress_text({.total = 3}), "0/3 files  0.00 h audio  0.0x real time  ? left");
  EXPECT_EQ(progress_text({.total = 3, .reached = 2, .skipped = 2, .seconds = 1}),
            "2/3 files  0.00 h audio  0.0x real time  ? left");
}

TEST(Clock, HoursOnlyWhereThereAreSome) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(62.4), "1:02");
  EXPECT_EQ(clock_text(3599.6), "1:00:00");
  EXPECT_EQ(clock_text(100 * 3600 + 61), "100:01:01");
}

}  // namespace
}  // namespace contentvec::cli
