#include "checkpoint/tensor.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"
#include "support.h"

namespace contentvec::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] size_t size() const override { return bytes_.size(); }
  [[nodiscard]] const std::string& source() const override { return source_; }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    std::shared_ptr<std::byte[]> copy(new std::byte[bytes_.size()]);
    std::memcpy(copy.get(), bytes_.data(), bytes_.size());
    return copy;
  }

 private:
  std::string bytes_, source_ = "memory.pt";
};

Tensor make(ElementType type, std::string bytes, std::vector<int64_t> shape, std::vector<int64_t> strides,
            int64_t offset = 0) {
  return {"t",
          type,
          std::move(shape),
          std::move(strides),
          offset,
          std::make_shared<MemoryStorage>(std::move(bytes))};
}

/// IEEE 754 binary16 by its definition.
float half_value(uint32_t half) {
  const auto fraction = static_cast<float>(half & 0x3ffu);
  const int exponent = static_cast<int>(half >> 10 & 0x1fu);
  const float sign = (half & 0x8000u) != 0 ? -1.F : 1.F;
  if (exponent == 31)
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Tensor, EveryHalfWidensExactly) {
  std::string bytes;
  for (uint32_t half = 0; half < 0x10000; ++half) bytes += test::little(half, 2);
  const std::vector<float> widened = test::read(make(ElementType::kF16, bytes, {0x10000}, {1}));
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float expected = half_value(half);
    if (std::isnan(expected))
      ASSERT_TRUE(std::isnan(widened[half])) << half;
    else
      ASSERT_EQ(std::bit_cast<uint32_t>(widened[half]), std::bit_cast<uint32_t>(expected)) << half;
  }
}

TEST(Tensor, EveryBFloat16WidensExactly) {
  std::string bytes;
  for (uint32_t brain = 0; brain < 0x10000; ++brain) bytes += test::little(brain, 2);
  const std::vector<float> widened = test::read(make(ElementType::kBF16, bytes, {256, 256}, {256, 1}));
  for (uint32_t brain = 0; brain < 0x10000; ++brain)
    ASSERT_EQ(std::bit_cast<uint32_t>(widened[brain]), brain << 16);
}

TEST(Tensor, Float64IsRoundedToTheNearest) {
  std::string bytes;
  for (const double value : {1.0, 0.1, -1e300, 1e-60})
    bytes += test::little(std::bit_cast<uint64_t>(value), 8);
  EXPECT_THAT(test::read(make(ElementType::kF64, bytes, {2, 2}, {2, 1})),
              ElementsAre(1.0F, 0.1F, -std::numeric_limits<float>::infinity(), 0.0F));
}

TEST(Tensor, GathersStridedViews) {
  const std::string bytes = test::floats({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_THAT(test::read(make(ElementType::kF32, bytes, {3, 2}, {1, 3}, 1)), ElementsAre(1, 4, 2, 5, 3, 6))
      << "transposed";
  EXPECT_THAT(test::read(make(ElementType::kF32, bytes, {2, 1, 2, 2}, {6, 99, 2, 1})),
              ElementsAre(0, 1, 2, 3, 6, 7, 8, 9))
      << "a size of 1 may have any stride";
  EXPECT_THAT(test::read(make(ElementType::kF32, bytes, {2, 2, 2}, {1, 6, 3})),
              ElementsAre(0, 3, 6, 9, 1, 4, 7, 10));
  EXPECT_THAT(test::read(make(ElementType::kF32, bytes, {2, 2, 2}, {3, 1, 6})),
              ElementsAre(0, 6, 1, 7, 3, 9, 4, 10))
      << "no two dimensions lie like one";
  EXPECT_THAT(test::read(make(ElementType::kF32, bytes, {}, {}, 7)), ElementsAre(7)) << "a scalar";
  EXPECT_THAT(test::read(make(ElementType::kF32, bytes, {3, 0}, {1, 1})), ElementsAre());
}

TEST(Tensor, RefusesWhatItCannotRead) {
  std::vector<float> four(4);
  const auto copy = [&](ElementType type) {
    return test::error_of([&] { make(type, std::string(32, 0), {4}, {1}).copy_to(four); });
  };
  EXPECT_THAT(copy(ElementType::kI64), HasSubstr("found int64"));
  EXPECT_THAT(copy(ElementType::kI64), HasSubstr("memory.pt"));
  EXPECT_THAT(test::error_of([&] { make(ElementType::kF32, std::string(32, 0), {5}, {1}).copy_to(four); }),
              HasSubstr("5 elements, the buffer to fill 4"));
}

struct Unsound {
  const char* name;
  std::vector<int64_t> shape, strides;
  int64_t offset;
  const char* expected;
};

TEST(Tensor, CheckRefusesUnsoundViews) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::vector<Unsound> cases = {
      {"past the end", {5}, {1}, 0, "does not lie inside"},
      {"offset past the end", {1}, {1}, 4, "does not lie inside"},
      {"stride past the end", {2, 2}, {3, 1}, 0, "does not lie inside"},
      {"offset wraps", {2}, {1}, kMax, "does not lie inside"},
      {"last index wraps", {1}, {1}, kMax, "does not lie inside"},
      {"stride product wraps", {3, 2}, {kHuge, 1}, 0, "does not lie inside"},
      {"stride sum wraps", {2, 2}, {kMax, 1}, 0, "does not lie inside"},
      {"negative stride", {2}, {-1}, 1, "expected none to be negative"},
      {"negative offset", {1}, {1}, -1, "expected none to be negative"},
      {"negative size", {-1, -1}, {1, 1}, 0, "impossible shape"},
      {"size product wraps to 0", {kHuge, 4}, {0, 0}, 0, "impossible shape"},
      {"size product wraps beside 0", {kHuge, 0, 4}, {0, 0, 0}, 0, "impossible shape"},
      {"expanded", {1000, 1000}, {0, 0}, 0, "expanded view"},
      {"strides missing", {2, 2}, {1}, 0, "2 dimensions and 1 strides"},
      {"too many dimensions", std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1), 0, "65 dimensions"},
  };
  for (const Unsound& unsound : cases) {
    const Tensor tensor =
        make(ElementType::kF32, std::string(16, 0), unsound.shape, unsound.strides, unsound.offset);
    EXPECT_THAT(test::error_of([&] { check(tensor); }), HasSubstr(unsound.expected)) << unsound.name;
  }
  check(make(ElementType::kF32, std::string(16, 0), {2, 2}, {2, 1}));
  check(make(ElementType::kF32, "", {0, 7}, {7, 1}));
}

}  // namespace
}  // namespace contentvec::checkpoint
