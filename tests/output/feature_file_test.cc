#include "contentvec/feature_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "output/npy.h"
#include "support.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> count_up(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

/// Writes 2 layers of 5 frames of 3, in pieces and in no order, and looks that nothing is there before.
void write_two_layers(const fs::path& path, const std::vector<float>& values,
                      const FeatureFileOptions& options) {
  const auto rows = [&](size_t first, size_t frames) {
    return std::span(values).subspan(first * 3, frames * 3);
  };
  FeatureWriter file(path, 5, 3, options);
  file.write(0, rows(0, 2), 1);
  file.write(0, rows(5, 2), 2);
  file.write(2, rows(7, 3), 2);
  file.write(2, rows(2, 3));
  EXPECT_FALSE(fs::exists(path));
  file.commit();
}

TEST(FeatureWriter, FillsAnArrayOfLayersInAnyOrder) {
  const TemporaryFolder folder;
  const std::vector<float> values = count_up(2 * 5 * 3);
  write_two_layers(folder / "a.npy", values, {.layers = 2});
  const output::NpyArray array = output::read_npy(folder / "a.npy");
  EXPECT_THAT(array.shape, ElementsAre(2, 5, 3));
  EXPECT_EQ(array.values, values);
}

TEST(FeatureWriter, FillsATensorForEachLayer) {
  const TemporaryFolder folder;
  const std::vector<float> values = count_up(2 * 5 * 3);
  write_two_layers(folder / "a.safetensors", values, {.layers = 2, .metadata = {{"hop", "320"}}});
  const checkpoint::Checkpoint file = checkpoint::open(folder / "a.safetensors");
  ASSERT_EQ(file.tensors.size(), 2U);
  EXPECT_EQ(file.metadata.at("hop"), "320");
  for (size_t layer = 0; layer < 2; ++layer) {
    const checkpoint::Tensor& tensor = file.tensors.at("layer_" + std::to_string(layer + 1));
    EXPECT_THAT(tensor.shape, ElementsAre(5, 3));
    EXPECT_THAT(test::read(tensor), testing::ElementsAreArray(std::span(values).subspan(layer * 15, 15)));
  }
}

TEST(FeatureWriter, OneArrayHasNoLayers) {
  const TemporaryFolder folder;
  const Features features{2, 3, count_up(6)};
  write_features(folder / "a.npy", features);
  EXPECT_THAT(output::read_npy(folder / "a.npy").shape, ElementsAre(2, 3));
  write_features(folder / "a.safetensors", features, {{"layer", "9"}});
  const checkpoint::Checkpoint file = checkpoint::open(folder / "a.safetensors");
  EXPECT_EQ(test::read(file.tensors.at("features")), features.data);
  EXPECT_EQ(file.metadata.at("layer"), "9");
}

TEST(FeatureWriter, RefusesHalfAFileAndFramesThatDoNotFit) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const TemporaryFolder folder;
  {
    FeatureWriter file(folder / "x.npy", 4, 2);
    file.write(0, count_up(4));
    EXPECT_THAT(error_of([&] { file.write(3, count_up(4)); }), HasSubstr("4 values from frame 3 on"));
    EXPECT_THAT(error_of([&] { file.write(2, count_up(3)); }), HasSubstr("no whole frames"));
    EXPECT_THAT(error_of([&] { file.write(-1, count_up(2)); }), HasSubstr("from frame -1"));
    EXPECT_THAT(error_of([&] { file.write(kMost, count_up(2)); }), HasSubstr("no whole frames"));
    EXPECT_THAT(error_of([&] { file.write(0, count_up(2), 0); }), HasSubstr("layer 0"));
    EXPECT_THAT(error_of([&] { file.write(0, count_up(2), 2); }), HasSubstr("layer 2 was given, it has 1"));
    EXPECT_THAT(error_of([&] { file.commit(); }), HasSubstr("4 values of it are missing"));
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(FeatureWriter, RefusesWhatIsNoFile) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const TemporaryFolder folder;
  const auto error = [&](const char* name, int64_t frames, int64_t dim, FeatureFileOptions options = {}) {
    return error_of([&] { FeatureWriter(folder / name, frames, dim, options); });
  };
  EXPECT_THAT(error("x.txt", 1, 1), AllOf(HasSubstr("x.txt"), HasSubstr(".npy or .safetensors")));
  EXPECT_THAT(error("x.npy", -1, 1), HasSubstr("no size of a file"));
  EXPECT_THAT(error("x.npy", 1, 0), HasSubstr("no size of a file"));
  EXPECT_THAT(error("x.npy", kMost / 8, 2), HasSubstr("no size of a file"));
  EXPECT_THAT(error("x.npy", 0, 1, {.layers = -1}), HasSubstr("no size of a file"));
  EXPECT_THAT(error("x.safetensors", 0, 1, {.layers = 1 << 17}), HasSubstr("no size of a file"));
  EXPECT_THAT(error("x.safetensors", 1, 1, {.metadata = {{"name", "\xff"}}}),
              AllOf(HasSubstr("x.safetensors"), HasSubstr("UTF-8")));
  EXPECT_THAT(error("none/x.npy", 1, 1), HasSubstr("there is no folder"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace contentvec
