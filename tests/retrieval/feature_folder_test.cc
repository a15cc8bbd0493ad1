#include "retrieval/feature_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <numeric>

#include "support.h"

namespace contentvec::test {
namespace {

using retrieval::read_feature_folder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class FeatureFolderTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::vector<int64_t>& shape, float first = 0) {
    const int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    std::vector<float> values(static_cast<size_t>(count));
    std::iota(values.begin(), values.end(), first);
    write_npy(folder_ / name, shape, values);
  }
  std::string error() {
    return error_of([&] { read_feature_folder(folder_.path()); });
  }

  TemporaryFolder folder_;
};

TEST_F(FeatureFolderTest, FilesOneAfterTheOther) {
  write("b.npy", {1, 2}, 10);
  write("a.npy", {2, 2});
  write("empty.npy", {0, 2});
  write("._a.npy", {7, 7});
  write_file(folder_ / "notes.txt", "not a feature");
  std::filesystem::create_directory(folder_ / "more");
  const auto features = read_feature_folder(folder_.path());
  EXPECT_EQ(features.files, 3);
  EXPECT_EQ(features.dim, 2);
  EXPECT_EQ(features.size(), 3);
  EXPECT_THAT(features.values, ElementsAre(0, 1, 2, 3, 10, 11));
}

TEST_F(FeatureFolderTest, NothingToRead) {
  EXPECT_THAT(error(), AllOf(HasSubstr("no .npy file"), HasSubstr("(0 others)"), HasSubstr("3_feature768")));
  write_file(folder_ / "speech.wav", "RIFF");
  EXPECT_THAT(error(), HasSubstr("(1 others)"));
  EXPECT_THAT(error_of([&] { read_feature_folder(folder_ / "nowhere"); }), HasSubstr("nowhere"));
  EXPECT_THAT(error_of([&] { read_feature_folder(folder_ / "speech.wav"); }), HasSubstr("speech.wav"));
}

TEST_F(FeatureFolderTest, WrongFiles) {
  write("a.npy", {2, 4});
  write("b.npy", {2, 3});
  EXPECT_THAT(error(), AllOf(HasSubstr("b.npy"), HasSubstr("they have 3 dimensions, those before have 4")));
  write("b.npy", {12, 2, 4});
  EXPECT_THAT(error(), AllOf(HasSubstr("b.npy"), HasSubstr("[frames, dim], found [12, 2, 4]")));
  write("b.npy", {2, 0});
  EXPECT_THAT(error(), HasSubstr("found [2, 0]"));
  write_file(folder_ / "b.npy", "not a .npy file");
  EXPECT_THAT(error(), AllOf(HasSubstr("b.npy"), HasSubstr("not a .npy file")));
}

}  // namespace
}  // namespace contentvec::test
