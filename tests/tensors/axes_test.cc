#include "tensors/axes.h"

#include <gmock/gmock.h>

#include <array>

#include "tensors/memory_tensor.h"

namespace contentvec::tensors {
namespace {

using ::testing::ElementsAre;

std::vector<float> read(const checkpoint::Tensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.count()));
  tensor.copy_to(values);
  return values;
}

TEST(Axes, APermutedViewReadsInTheNewOrder) {
  // MLX's (out 2, kernel 3, in 2)
  const checkpoint::Tensor stored =
      test::memory_tensor("w", {2, 3, 2}, {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121});
  const checkpoint::Tensor conv = permuted(stored, std::array<size_t, 3>{0, 2, 1});
  EXPECT_THAT(conv.shape, ElementsAre(2, 2, 3));
  EXPECT_THAT(read(conv), ElementsAre(0, 10, 20, 1, 11, 21, 100, 110, 120, 101, 111, 121));
  const checkpoint::Tensor transposed = permuted(stored, std::array<size_t, 3>{2, 0, 1});
  EXPECT_THAT(transposed.shape, ElementsAre(2, 2, 3));
  EXPECT_THAT(read(transposed), ElementsAre(0, 10, 20, 100, 110, 120, 1, 11, 21, 101, 111, 121));
}

TEST(Axes, SwappingTheLastTwoIsTheSameOfValues) {
  const std::vector<float> values = {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
  const checkpoint::Tensor stored = test::memory_tensor("w", {2, 3, 2}, values);
  EXPECT_EQ(swap_last_axes(values, 2, 3, 2), read(permuted(stored, std::array<size_t, 3>{0, 2, 1})));
}

}  // namespace
}  // namespace contentvec::tensors
