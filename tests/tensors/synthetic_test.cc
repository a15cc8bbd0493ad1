#include "tensors/synthetic.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

namespace contentvec::tensors {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

std::map<std::string, Synthetic> by_name(SyntheticTable table) {
  std::map<std::string, Synthetic> named;
  for (Synthetic& entry : table.release()) named.emplace(entry.tensor.name, std::move(entry));
  return named;
}

TEST(SyntheticTable, AWeightKeepsTheVariance) {
  SyntheticTable table;
  table.weight("w", {5, 4, 3}, 2.0);
  table.layer("l", {5, 12});
  const auto named = by_name(std::move(table));
  // A value in +-a has the variance a^2 / 3, of which twelve add up.
  EXPECT_DOUBLE_EQ(named.at("w").amplitude, 2 * std::sqrt(3.0 / 12));
  EXPECT_DOUBLE_EQ(named.at("l.weight").amplitude, std::sqrt(3.0 / 12));
  EXPECT_THAT(named.at("l.bias").tensor.shape, ElementsAre(5));
}

TEST(SyntheticTable, ANormedConvolutionsNormsLieAroundG) {
  SyntheticTable table;
  table.normed_conv("c", 64, 4, 3, 0.5, 0.3);
  const auto named = by_name(std::move(table));
  EXPECT_THAT(named.at("c.weight_g").tensor.shape, ElementsAre(64, 1, 1));
  EXPECT_THAT(named.at("c.weight_v").tensor.shape, ElementsAre(64, 4, 3));
  EXPECT_THAT(named.at("c.bias").tensor.shape, ElementsAre(64));
  std::vector<float> g(64);
  named.at("c.weight_g").fill(7, g);
  EXPECT_THAT(g, testing::Each(AllOf(Ge(0.35F), Le(0.65F))));
}

TEST(SyntheticTable, BatchNormHasFourTensors) {
  SyntheticTable table;
  table.batch_norm("n", 3, 0.4);
  const auto named = by_name(std::move(table));
  EXPECT_EQ(named.size(), 4U);
  EXPECT_DOUBLE_EQ(named.at("n.weight").offset, 0.4);
  EXPECT_DOUBLE_EQ(named.at("n.running_var").offset, 1.0);  // so that it stays above 0
  EXPECT_DOUBLE_EQ(named.at("n.running_var").amplitude, 0.5);
}

}  // namespace
}  // namespace contentvec::tensors
