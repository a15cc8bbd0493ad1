#include "tensors/weight_norm.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "tensors/memory_tensor.h"

namespace contentvec::tensors {
namespace {

using ::testing::ElementsAre;

TEST(WeightNorm, TheNewSpellingBecomesTheOld) {
  for (const auto& [name, unified] : std::vector<std::pair<std::string, std::string>>{
           {"dec.ups.0.parametrizations.weight.original0", "dec.ups.0.weight_g"},
           {"dec.ups.0.parametrizations.weight.original1", "dec.ups.0.weight_v"},
           {"dec.ups.0.weight_v", "dec.ups.0.weight_v"},
           {"dec.ups.0.weight", "dec.ups.0.weight"}}) {
    std::string changed = name;
    unify_weight_norm(changed);
    EXPECT_EQ(changed, unified);
  }
}

TEST(WeightNorm, NormsAlongEveryAxis) {
  // [2, 1, 3]: the rows 1 2 3 and 4 5 6
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> shape = {2, 1, 3};
  EXPECT_THAT(norms_along(weight, shape, 0), ElementsAre(std::sqrt(14.0), std::sqrt(77.0)));
  EXPECT_THAT(norms_along(weight, shape, 1), ElementsAre(std::sqrt(91.0)));
  EXPECT_THAT(norms_along(weight, shape, 2), ElementsAre(std::sqrt(17.0), std::sqrt(29.0), std::sqrt(45.0)));
}

TEST(WeightNorm, IsMultipliedOutAlongEveryAxis) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
  const std::vector<int64_t> shape = {4, 3, 5};
  for (size_t axis = 0; axis < 3; ++axis) {
    std::vector<float> v(60);
    std::vector<float> g(static_cast<size_t>(shape[axis]));
    for (float& value : v) value = uniform(random);
    for (float& value : g) value = uniform(random);
    NamedTensors tensors;
    std::vector<int64_t> of_g = {1, 1, 1};
    of_g[axis] = shape[axis];
    tensors.add("conv.weight_g", test::memory_tensor("g", of_g, g));
    tensors.add("conv.weight_v", test::memory_tensor("v", shape, v));
    const std::vector<float> weight = read_weight(tensors, "conv", axis);
    // Each slice points where v's does and is as long as g says.
    const std::vector<double> lengths = norms_along(weight, shape, axis);
    for (size_t i = 0; i < g.size(); ++i) EXPECT_NEAR(lengths[i], std::abs(g[i]), 1e-6) << axis << " " << i;
    const std::vector<double> norms = norms_along(v, shape, axis);
    const size_t step = axis == 0 ? 15 : axis == 1 ? 5 : 1;
    for (size_t i = 0; i < v.size(); ++i) {
      const size_t slice = i / step % g.size();
      EXPECT_NEAR(weight[i], static_cast<double>(v[i]) * static_cast<double>(g[slice]) / norms[slice], 1e-6);
    }
  }
}

TEST(WeightNorm, WhatIsMultipliedOutAlreadyIsTakenAsItIs) {
  NamedTensors tensors;
  tensors.add("conv.weight", test::memory_tensor("w", {2, 1, 1}, {3, 4}));
  EXPECT_THAT(read_weight(tensors, "conv", 0), ElementsAre(3, 4));
}

TEST(WeightNorm, ASliceOfZerosStaysZero) {
  NamedTensors tensors;
  tensors.add("conv.weight_g", test::memory_tensor("g", {2, 1}, {5, 5}));
  tensors.add("conv.weight_v", test::memory_tensor("v", {2, 2}, {0, 0, 3, 4}));
  EXPECT_THAT(read_weight(tensors, "conv", 0), ElementsAre(0, 0, 3, 4));
}

}  // namespace
}  // namespace contentvec::tensors
