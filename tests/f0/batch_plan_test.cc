#include "f0/batch_plan.h"

#include <gmock/gmock.h>

namespace contentvec::f0 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

BatchPlan plan(const std::vector<double>& seconds, int threads) {
  static const std::vector<float> silence(size_t{60} * 16000);
  std::vector<std::span<const float>> waveforms;
  for (const double s : seconds)
    waveforms.push_back(std::span(silence).first(static_cast<size_t>(s * 16000)));
  return plan_batch(waveforms, threads);
}

TEST(BatchPlan, AFullRoundGoesSideBySide) {
  EXPECT_THAT(plan({3, 3}, 2).side_by_side, ElementsAre(0, 1));
  EXPECT_THAT(plan({3, 3.1}, 2).side_by_side, ElementsAre(1, 0));
  EXPECT_THAT(plan({1, 2, 3, 4, 5}, 2).side_by_side, ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(plan({1, 2, 3, 4, 5}, 2).one_by_one, ElementsAre(0));
}

TEST(BatchPlan, WhatIsMoreThanItsShareHasTheTeam) {
  EXPECT_THAT(plan({1, 8, 1}, 2).one_by_one, ElementsAre(1));
  EXPECT_THAT(plan({1, 8, 1}, 2).side_by_side, ElementsAre(0, 2));
  EXPECT_THAT(plan({3}, 2).side_by_side, IsEmpty());
  EXPECT_THAT(plan({3, 3}, 8).side_by_side, IsEmpty());
}

TEST(BatchPlan, LongOnesAndOneThreadGoOneByOne) {
  EXPECT_THAT(plan({60, 60, 5, 5}, 2).one_by_one, ElementsAre(0, 1));
  EXPECT_THAT(plan({1, 2}, 1).side_by_side, IsEmpty());
  EXPECT_THAT(plan({1, 2}, 1).one_by_one, ElementsAre(1, 0));
  EXPECT_THAT(plan({}, 2).one_by_one, IsEmpty());
}

}  // namespace
}  // namespace contentvec::f0
