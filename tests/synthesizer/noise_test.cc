#include "synthesizer/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace contentvec::synthesizer {
namespace {

std::vector<float> part_of(const NormalStream& stream, int64_t first, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  stream.fill(first, values);
  return values;
}

/// From the oracle's weights.py, normal(): the first five values of a stream, and three from the millionth on. A C
/// library's ln, cos and sin may round the other way.
struct Pinned {
  const char* name;
  uint64_t seed;
  float first[5];
  float later[3];
};
constexpr Pinned kPinned[] = {
    {"noise.z",
     0,
     {0x1.aba622p+0F, 0x1.1e496cp-1F, 0x1.cf383ep+0F, 0x1.4b4ffep+0F, 0x1.755e14p-1F},
     {0x1.0b30eep+1F, 0x1.c10262p-4F, -0x1.419478p+1F}},
    {"noise.z.3",
     1,
     {-0x1.600d3cp-2F, 0x1.1010a4p+1F, 0x1.c27ccp-3F, 0x1.12e4a2p+0F, -0x1.51eeb8p-3F},
     {-0x1.050ba0p-3F, 0x1.f5b5b2p-2F, 0x1.ab91d8p-2F}},
    {"noise.source",
     std::numeric_limits<uint64_t>::max(),
     {-0x1.6c7592p-2F, -0x1.21322ap-1F, 0x1.9c6c8ap-1F, -0x1.c24718p-1F, 0x1.e43972p-5F},
     {-0x1.36898ap-2F, 0x1.74d462p-2F, 0x1.bdb5e4p+0F}},
    {"noise.source.12",
     20261127,
     {0x1.06bc4cp+1F, 0x1.4b92aep+0F, 0x1.c7c334p-3F, 0x1.b1600ep-2F, 0x1.e4ce32p-2F},
     {0x1.f2e81ap-2F, -0x1.a5b9dp+0F, -0x1.8e7796p-1F}},
};

TEST(Noise, StreamsAreTheReferences) {
  for (const Pinned& pinned : kPinned) {
    const NormalStream stream(pinned.name, pinned.seed);
    const std::vector<float> first = part_of(stream, 0, 5);
    const std::vector<float> later = part_of(stream, 1'000'000, 3);
    for (size_t i = 0; i < 5; ++i) EXPECT_FLOAT_EQ(first[i], pinned.first[i]) << pinned.name << " " << i;
    for (size_t i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(later[i], pinned.later[i]) << pinned.name << " " << i;
  }
}

TEST(Noise, AnyPartCanBeComputedAlone) {
  const NormalStream stream("noise.z", 5);
  const std::vector<float> whole = part_of(stream, 0, 40);
  for (int64_t first = 0; first < 7; ++first) {
    for (int64_t count = 0; count < 7; ++count)
      EXPECT_EQ(part_of(stream, first, count),
                std::vector<float>(whole.begin() + first, whole.begin() + first + count))
          << first << ", " << count;
  }
}

TEST(Noise, APieceHasAStreamOfItsOwn) {
  std::vector<float> of_piece(9);
  Noise({}, "noise.z", 5, 12).fill(1, of_piece);
  EXPECT_EQ(of_piece, part_of(NormalStream("noise.z.12", 5), 1, 9));
  Noise({}, "noise.z", 5, -1).fill(1, of_piece);
  EXPECT_EQ(of_piece, part_of(NormalStream("noise.z", 5), 1, 9));
}

TEST(Noise, TheCallersIsTakenAsItIs) {
  const std::vector<float> given = {1, 2, 3, 4, 5};
  std::vector<float> part(3);
  Noise(given, "noise.z", 0, 0).fill(2, part);
  EXPECT_EQ(part, (std::vector<float>{3, 4, 5}));
}

TEST(Noise, IsStandardNormal) {
  const std::vector<float> values = part_of(NormalStream("noise.source", 7), 0, 200'000);
  double sums[4] = {};  // of the powers
  for (const float value : values) {
    double power = 1;
    for (double& sum : sums) sum += power *= static_cast<double>(value);
  }
  const auto count = static_cast<double>(values.size());
  // Within five standard deviations: those of the sums' terms are 1, sqrt 2, sqrt 15, sqrt 96.
  EXPECT_NEAR(sums[0] / count, 0, 5 * std::sqrt(1 / count));
  EXPECT_NEAR(sums[1] / count, 1, 5 * std::sqrt(2 / count));
  EXPECT_NEAR(sums[2] / count, 0, 5 * std::sqrt(15 / count));
  EXPECT_NEAR(sums[3] / count, 3, 5 * std::sqrt(96 / count));
}

}  // namespace
}  // namespace contentvec::synthesizer
