#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "child.h"
#include "contentvec/retriever.h"
#include "retrieval/vector_index.h"
#include "support.h"

/// LLVM's OpenMP, which clang brings, keeps what it knows of a thread that has used it.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libomp\n";
}

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Vectors around -10 and 10 by turns, in every dimension.
std::vector<float> two_clusters(int64_t size, int64_t dim) {
  std::mt19937 random(7);
  std::vector<float> vectors;
  for (int64_t i = 0; i < size * dim; ++i) {
    vectors.push_back((i / dim % 2 == 0 ? -10.0F : 10.0F) + static_cast<float>(random()) * 0x1p-32F);
  }
  return vectors;
}

TEST(BuildTest, ListsAsRvc) {
  EXPECT_EQ(retrieval::lists_for(39), 1);
  EXPECT_EQ(retrieval::lists_for(78), 2);
  EXPECT_EQ(retrieval::lists_for(200000), 200000 / 39);
  EXPECT_EQ(retrieval::lists_for(1000000), 16000);
}

TEST(BuildTest, SizeAndLists) {
  for (const int64_t size : {39, 77, 1000}) {
    const Retriever retriever = Retriever::build(two_clusters(size, 6), 6);
    EXPECT_EQ(retriever.size(), size);
    EXPECT_EQ(retriever.dim(), 6);
    EXPECT_EQ(retriever.lists(), size / 39);
  }
}

TEST(BuildTest, SavedAndOpened) {
  const TemporaryFolder folder;
  const std::vector<float> vectors = two_clusters(300, 6);
  const Retriever built = Retriever::build(vectors, 6);
  built.save(folder / "voice.index");
  const Retriever opened = Retriever::open(folder / "voice.index");
  EXPECT_EQ(opened.size(), 300);
  EXPECT_EQ(opened.lists(), 7);
  const Features queries{50, 6, two_clusters(50, 6)};
  const Features blended = built.blend(queries, 1);
  EXPECT_EQ(opened.blend(queries, 1).data, blended.data);
  EXPECT_EQ(blended.data, queries.data) << "they are its first vectors";
}

TEST(BuildTest, EqualVectorsShareTheWeight) {
  const Retriever silence = Retriever::build(std::vector<float>(100 * 4, 0.5F), 4);
  EXPECT_THAT(silence.blend({1, 4, {0.5F, 0.5F, 0.5F, 0.5F}}, 1).data, ElementsAre(0.5F, 0.5F, 0.5F, 0.5F));
  EXPECT_THAT(silence.blend({1, 4, {1, 1, 1, 1}}, 0.5F).data, ElementsAre(0.75F, 0.75F, 0.75F, 0.75F));
}

TEST(BuildTest, DistancesTooSmallToSquare) {
  std::vector<float> vectors(40 * 2, 1.0F);
  vectors[0] = vectors[1] = 1e-15F;  // 1/d^2 = 2.5e59
  const Features blended = Retriever::build(vectors, 2).blend({1, 2, {0, 0}}, 1);
  EXPECT_FLOAT_EQ(blended.data[0], 1e-15F);
}

TEST(BuildTest, SameIndexForAnyNumberOfThreads) {
  const TemporaryFolder folder;
  const std::vector<float> vectors = two_clusters(1000, 32);
  std::vector<std::vector<std::byte>> files;
  for (const int threads : {1, 2, 5}) {
    Retriever::build(vectors, 32, {.threads = threads, .reduce_above = 999, .reduce_to = 100})
        .save(folder / "x.index");
    files.push_back(read_file(folder / "x.index"));
  }
  EXPECT_EQ(files[0], files[1]);
  EXPECT_EQ(files[0], files[2]);
}

TEST(BuildTest, ManyVectorsBecomeCentres) {
  std::vector<std::string> steps;
  const Retriever retriever =
      Retriever::build(two_clusters(1000, 6), 6,
                       {.reduce_above = 999, .reduce_to = 78, .progress = [&](std::string_view step) {
                          steps.emplace_back(step);
                        }});
  EXPECT_EQ(retriever.size(), 78);
  EXPECT_EQ(retriever.lists(), 2);
  for (const float value : retriever.blend({1, 6, std::vector<float>(6, 9.0F)}, 1).data) {
    EXPECT_GE(value, 10);
    EXPECT_LE(value, 11);
  }
  EXPECT_THAT(steps, ElementsAre("replacing 1000 vectors by 78 centres of theirs",
                                 "sorting 78 centres into 2 lists"));
  EXPECT_EQ(Retriever::build(two_clusters(1000, 6), 6, {.reduce_above = 1000, .reduce_to = 78}).size(), 1000);
}

TEST(BuildTest, WhatCannotBeBuilt) {
  const std::vector<float> good = two_clusters(100, 4);
  const auto error = [](const std::vector<float>& vectors, int64_t dim, const IndexOptions& options = {}) {
    return error_of([&] { Retriever::build(vectors, dim, options); });
  };
  EXPECT_THAT(error(two_clusters(38, 4), 4), AllOf(HasSubstr("at least 39"), HasSubstr("found 38")));
  EXPECT_THAT(error({}, 4), HasSubstr("found 0"));
  EXPECT_THAT(error(good, 0), HasSubstr("not vectors of 0"));
  EXPECT_THAT(error(good, 3), HasSubstr("400 values are not vectors of 3"));
  std::vector<float> holed = good;
  holed[17] = std::nanf("");
  EXPECT_THAT(error(holed, 4), HasSubstr("not finite"));
  for (const float huge : {1e17F, 1e19F, 3e38F}) {
    std::vector<float> large = two_clusters(100, 4);
    large[17] = -huge;
    EXPECT_THAT(error(large, 4), HasSubstr("beyond 1e16")) << huge;
  }
  EXPECT_THAT(error(good, 4, {.threads = -1}), HasSubstr("threads"));
  EXPECT_THAT(error(good, 4, {.reduce_to = 38}), HasSubstr("reduce_to"));
  EXPECT_THAT(error(good, 4, {.reduce_above = 50, .reduce_to = 60}), HasSubstr("reduce_to"));
}

TEST(BuildTest, FilesAsRvc) {
  const std::vector<std::pair<int64_t, std::string>> versions = {{256, "_v1"}, {768, "_v2"}, {20, ""}};
  for (const auto& [dim, version] : versions) {
    const TemporaryFolder folder;
    const std::string rest = "_IVF2_Flat_nprobe_1_voice" + version + ".index";
    const Retriever retriever = Retriever::build(two_clusters(80, dim), dim);
    EXPECT_EQ(retriever.save_for_rvc(folder.path(), "voice"), folder / ("added" + rest));
    EXPECT_EQ(Retriever::open(folder / ("added" + rest)).size(), 80);
    EXPECT_THAT(error_of([&] { Retriever::open(folder / ("trained" + rest)); }),
                HasSubstr("holds no vectors"));
  }
}

TEST(BuildTest, NowhereToWrite) {
  const TemporaryFolder folder;
  const Retriever retriever = Retriever::build(two_clusters(80, 4), 4);
  EXPECT_THAT(error_of([&] { retriever.save(folder / "no" / "x.index"); }), HasSubstr("no/x.index"));
  EXPECT_THAT(error_of([&] { static_cast<void>(retriever.save_for_rvc(folder / "no", "x")); }),
              HasSubstr("trained_"));
}

TEST(BuildTest, FromFolder) {
  const TemporaryFolder folder;
  const std::vector<float> vectors = two_clusters(100, 6);
  const auto part = std::span(vectors).first(40 * 6);
  fs::create_directory(folder / "features");
  write_npy(folder / "features" / "1.npy", {40, 6}, part);
  write_npy(folder / "features" / "2.npy", {60, 6}, std::span(vectors).subspan(part.size()));
  std::vector<std::string> steps;
  Retriever::build_from_folder(folder / "features",
                               {.progress = [&](std::string_view step) { steps.emplace_back(step); }})
      .save(folder / "folder.index");
  Retriever::build(vectors, 6).save(folder / "vectors.index");
  EXPECT_EQ(read_file(folder / "folder.index"), read_file(folder / "vectors.index"));
  EXPECT_THAT(steps, ElementsAre("read 2 files: 100 vectors of 6", "sorting 100 vectors into 2 lists"));
}

TEST(BuildTest, TheLargestValuesGiveTheirNeighbours) {
  std::vector<float> vectors = two_clusters(100, 4);
  for (float& value : vectors) value *= retrieval::kLargestValue / 11;
  const Retriever retriever = Retriever::build(vectors, 4);
  const Features query{1, 4, {vectors.begin(), vectors.begin() + 4}};
  EXPECT_EQ(retriever.blend(query, 1).data, query.data);
}

TEST(BuildTest, AChildOfForkBuildsTheSame) {
  if (kSanitized) GTEST_SKIP() << kNoThreadsBeforeFork;
  const std::vector<float> vectors = two_clusters(1000, 8);
  const Features query{1, 8, std::vector<float>(8, 9.5F)};
  const std::vector<float> expected = Retriever::build(vectors, 8).blend(query).data;
  EXPECT_TRUE(succeeds_in_child([&] { return Retriever::build(vectors, 8).blend(query).data == expected; }));
}

}  // namespace
}  // namespace contentvec::test
