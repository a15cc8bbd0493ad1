#include "output/feature_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "support.h"

namespace contentvec::output {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::HasSubstr;

std::vector<float> count_up(size_t count, float from = 0) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), from);
  return values;
}

TEST(FeatureFile, IsFilledInAnyOrder) {
  TemporaryFolder folder;
  const std::vector<float> values = count_up(2 * 5 * 3);  // 2 arrays of 5 frames of 3
  const auto rows = [&](size_t first, size_t frames) {
    return std::span(values).subspan(first * 3, frames * 3);
  };
  FeatureFile file(folder / "x", "start", 2, 5, 3);
  file.write(0, 0, rows(0, 2));
  file.write(1, 0, rows(5, 2));
  file.write(1, 2, rows(7, 3));
  file.write(0, 2, rows(2, 3));
  EXPECT_FALSE(fs::exists(folder / "x"));
  file.commit();
  const auto bytes = test::read_file(folder / "x");
  ASSERT_EQ(bytes.size(), 5 + values.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(bytes.data(), "start", 5), 0);
  EXPECT_EQ(std::memcmp(bytes.data() + 5, values.data(), values.size() * sizeof(float)), 0);
}

TEST(FeatureFile, RefusesHalfAFileAndFramesThatDoNotFit) {
  TemporaryFolder folder;
  {
    FeatureFile file(folder / "x", "", 1, 4, 2);
    file.write(0, 0, count_up(4));
    EXPECT_THAT(error_of([&] { file.write(0, 3, count_up(4)); }), HasSubstr("4 values from frame 3 on"));
    EXPECT_THAT(error_of([&] { file.write(0, 2, count_up(3)); }), HasSubstr("no whole frames"));
    EXPECT_THAT(error_of([&] { file.write(0, -1, count_up(2)); }), HasSubstr("from frame -1"));
    EXPECT_THAT(error_of([&] { file.commit(); }), HasSubstr("4 values of it are missing"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace contentvec::output
