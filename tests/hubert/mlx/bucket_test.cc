#include "hubert/mlx/bucket.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace contentvec::mlx {
namespace {

TEST(Bucket, IsLittleLongerAndOfFewLengths) {
  std::set<int64_t> lengths;
  for (int64_t frames = 1; frames <= 3000; ++frames) {
    const int64_t bucket = bucket_frames(frames);
    ASSERT_GE(bucket, frames);
    ASSERT_LE(bucket, frames + frames / 8);
    ASSERT_EQ(bucket_frames(bucket), bucket);
    lengths.insert(bucket);
  }
  EXPECT_LE(lengths.size(), 80U);
}

TEST(Bucket, HasRoomForAllSamplesOfItsUtterancesAndWholeSums) {
  const ModelConfig config;  // base
  const ConvLayer& first = config.conv_layers.front();
  for (const int64_t frames : {1, 2, 63, 499, 512, 3000}) {
    const int64_t samples = bucket_samples(config, frames, 64);
    EXPECT_EQ(config.frames(samples - (samples - config.receptive_field()) % config.hop()) >= frames, true);
    EXPECT_GE(samples, config.receptive_field() + frames * config.hop() - 1);
    EXPECT_EQ(((samples - first.kernel) / first.stride + 1) % 64, 0);
    EXPECT_LT(samples, config.receptive_field() + frames * config.hop() + 64 * first.stride);
  }
}

TEST(Bucket, HoldsEveryUtteranceOnceAndNoMoreThanAllowed) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> frames(std::uniform_int_distribution<size_t>(0, 40)(random));
    for (int64_t& count : frames) count = std::uniform_int_distribution<int64_t>(1, 900)(random);
    std::set<size_t> seen;
    for (const Bucket& bucket : sort_into_buckets(frames, 500)) {
      ASSERT_FALSE(bucket.members.empty());
      if (bucket.members.size() > 1) {
        ASSERT_LE(bucket.frames * static_cast<int64_t>(bucket.members.size()), 500);
      }
      for (const size_t member : bucket.members) {
        ASSERT_EQ(bucket_frames(frames[member]), bucket.frames);
        ASSERT_TRUE(seen.insert(member).second);
      }
    }
    ASSERT_EQ(seen.size(), frames.size());
  }
}

}  // namespace
}  // namespace contentvec::mlx
