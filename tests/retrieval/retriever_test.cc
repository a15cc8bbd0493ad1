// Opening an index and blending, against what RVC's formula gives with FAISS's own Python package
// (scripts/make_retrieval_data.py).

#include "contentvec/retriever.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "contentvec/error.h"
#include "output/npy.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::filesystem::path file(const std::string& name) {
  return data() / "retrieval" / name;
}

Features features_of(const std::string& name) {
  output::NpyArray array = output::read_npy(file(name));
  return {array.shape[0], array.shape[1], std::move(array.values)};
}

float largest(const std::vector<float>& values) {
  return std::abs(*std::max_element(values.begin(), values.end(),
                                    [](float a, float b) { return std::abs(a) < std::abs(b); }));
}

/// NumPy's weights have the relative errors of float32 distances over 16 dimensions, squared, and it sums in
/// float32.
void expect_near(const Features& found, const Features& expected) {
  ASSERT_EQ(found.frames, expected.frames);
  ASSERT_EQ(found.dim, expected.dim);
  const float bound = 4 * 16 * std::numeric_limits<float>::epsilon() * largest(expected.data);
  for (size_t i = 0; i < found.data.size(); ++i) EXPECT_NEAR(found.data[i], expected.data[i], bound) << i;
}

TEST(RetrieverTest, OpensWhatRvcTrains) {
  const Retriever retriever = Retriever::open(file("added.index"));
  EXPECT_EQ(retriever.size(), 400);
  EXPECT_EQ(retriever.dim(), 16);
  EXPECT_EQ(retriever.lists(), 10);
}

TEST(RetrieverTest, BlendsAsRvc) {
  for (const std::string name : {"added", "sparse"}) {
    const Retriever retriever = Retriever::open(file(name + ".index"));
    expect_near(retriever.blend(features_of("queries_" + name + ".npy"), 0.75F),
                features_of("blend_" + name + ".npy"));
  }
}

TEST(RetrieverTest, RateZeroChangesNothing) {
  const Features queries = features_of("queries_added.npy");
  EXPECT_EQ(Retriever::open(file("added.index")).blend(queries, 0).data, queries.data);
}

TEST(RetrieverTest, ExactHitIsTheVector) {
  const Features queries = features_of("queries_added.npy");  // the last 5 are in the index
  const Features blended = Retriever::open(file("added.index")).blend(queries, 1);
  const auto exact = static_cast<std::ptrdiff_t>((queries.frames - 5) * queries.dim);
  EXPECT_TRUE(std::equal(blended.data.begin() + exact, blended.data.end(), queries.data.begin() + exact));
  EXPECT_FALSE(std::equal(blended.data.begin(), blended.data.begin() + exact, queries.data.begin()));
}

TEST(RetrieverTest, EmptyListLeavesTheFrame) {
  // One frame near each centre; list 0 is empty, list 4 holds 3 vectors.
  const Features queries = features_of("queries_sparse.npy");
  const Features blended = Retriever::open(file("sparse.index")).blend(queries, 1);
  EXPECT_TRUE(std::ranges::equal(blended.row(0), queries.row(0)));
  EXPECT_FALSE(std::ranges::equal(blended.row(4), queries.row(4)));
}

TEST(RetrieverTest, FrameIsTheSameAloneAndInAnyThread) {
  const Retriever retriever = Retriever::open(file("added.index"));
  const Features queries = features_of("queries_added.npy");
  const Features together = retriever.blend(queries);
  std::vector<std::thread> threads;
  std::vector<Features> alone(static_cast<size_t>(queries.frames));
  for (int64_t frame = 0; frame < queries.frames; ++frame) {
    threads.emplace_back([&, frame] {
      const auto row = queries.row(frame);
      alone[static_cast<size_t>(frame)] = retriever.blend({1, queries.dim, {row.begin(), row.end()}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int64_t frame = 0; frame < queries.frames; ++frame) {
    EXPECT_TRUE(std::ranges::equal(together.row(frame), alone[static_cast<size_t>(frame)].data)) << frame;
  }
}

TEST(RetrieverTest, NoFrames) {
  const Features nothing = Retriever::open(file("added.index")).blend({0, 16, {}});
  EXPECT_EQ(nothing.frames, 0);
  EXPECT_TRUE(nothing.data.empty());
}

TEST(RetrieverTest, WhatCannotBeBlended) {
  const Retriever retriever = Retriever::open(file("added.index"));
  const Features one{1, 16, std::vector<float>(16)};
  for (const float rate : {-0.01F, 1.01F, std::nanf("")}) {
    EXPECT_THAT(error_of([&] { static_cast<void>(retriever.blend(one, rate)); }),
                HasSubstr("between 0 and 1"));
  }
  EXPECT_THAT(error_of([&] {
                static_cast<void>(retriever.blend({1, 768, std::vector<float>(768)}));
              }),
              AllOf(HasSubstr("768 dimensions"), HasSubstr("index 16")));
  EXPECT_THAT(error_of([&] {
                static_cast<void>(retriever.blend({2, 16, std::vector<float>(16)}));
              }),
              HasSubstr("16 values are not 2 frames of 16"));
  Features infinite = one;
  infinite.data[3] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(error_of([&] { static_cast<void>(retriever.blend(infinite)); }), HasSubstr("not finite"));
  infinite.data.front() = 1e19F;
  EXPECT_THAT(error_of([&] { static_cast<void>(retriever.blend(infinite)); }), HasSubstr("beyond 1e16"));
}

TEST(RetrieverTest, WhatCannotBeOpened) {
  EXPECT_THAT(error_of([] { Retriever::open(file("nowhere.index")); }), HasSubstr("nowhere.index"));
  EXPECT_THAT(error_of([] { Retriever::open(file("blend_added.npy")); }), HasSubstr("a NumPy array"));
  EXPECT_THAT(error_of([] { Retriever::open(file("trained.index")); }), HasSubstr("added_*.index"));
}

/// Writes the vectors of an index in lists as FAISS's IndexFlatL2, in an order of their own.
void write_flat(const std::filesystem::path& path, const std::vector<float>& vectors, int32_t dim) {
  std::string text = "IxF2";
  const auto add = [&](const auto value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  add(dim);
  add(static_cast<int64_t>(vectors.size()) / dim);
  add(int64_t{1} << 20);
  add(int64_t{1} << 20);
  add(uint8_t{1});
  add(int32_t{1});
  add(uint64_t{vectors.size()});
  text.append(reinterpret_cast<const char*>(vectors.data()), vectors.size() * sizeof(float));
  write_file(path, text);
}

TEST(RetrieverTest, FlatIsWhatAllListsGive) {
  const TemporaryFolder folder;
  const Features queries = features_of("queries_added.npy");
  std::vector<float> vectors;
  for (int i = 0; i < 6; ++i) {
    for (const float value : queries.data) vectors.push_back(value + static_cast<float>(i * i) * 0.1F);
  }
  write_flat(folder / "flat.index", vectors, 16);
  const Retriever flat = Retriever::open(folder / "flat.index");
  EXPECT_EQ(flat.size(), 150);
  EXPECT_EQ(flat.dim(), 16);
  EXPECT_EQ(flat.lists(), 0);
  const Retriever lists = Retriever::build(vectors, 16);
  ASSERT_EQ(lists.lists(), 3);
  Features shifted = queries;
  for (float& value : shifted.data) value += 0.25F;
  EXPECT_EQ(flat.blend(shifted).data, lists.blend(shifted, kIndexRate, 3).data);
  EXPECT_EQ(flat.blend(shifted, 1, 99).data, lists.blend(shifted, 1, 99).data);
  flat.save(folder / "again.index");
  EXPECT_EQ(read_file(folder / "again.index").size(), read_file(folder / "flat.index").size());
  EXPECT_EQ(Retriever::open(folder / "again.index").blend(shifted).data, flat.blend(shifted).data);
  EXPECT_THAT(error_of([&] { static_cast<void>(flat.save_for_rvc(folder.path(), "x")); }), HasSubstr("Flat"));
  vectors[20] = std::nanf("");
  write_flat(folder / "nan.index", vectors, 16);
  EXPECT_THAT(error_of([&] { Retriever::open(folder / "nan.index"); }), HasSubstr("not finite"));
}

/// Fewer vectors than neighbours are asked for.
TEST(RetrieverTest, SmallFlat) {
  const TemporaryFolder folder;
  write_flat(folder / "flat.index", {1, 1, 3, 3}, 2);
  const Features blended = Retriever::open(folder / "flat.index").blend({1, 2, {2, 2}}, 1);
  EXPECT_EQ(blended.data, (std::vector<float>{2, 2}));
}

TEST(RetrieverTest, MoreListsFindNearerVectors) {
  const Retriever retriever = Retriever::open(file("sparse.index"));
  const Features queries = features_of("queries_sparse.npy");
  EXPECT_EQ(retriever.nprobe(), 1);
  EXPECT_EQ(retriever.blend(queries, 0.75F, 1).data, retriever.blend(queries, 0.75F).data);
  const Features all = retriever.blend(queries, 1, retriever.lists());
  EXPECT_FALSE(std::ranges::equal(all.row(0), queries.row(0))) << "its list is empty, others are not";
  EXPECT_EQ(retriever.blend(queries, 1, int64_t{1} << 40).data, all.data);
  EXPECT_THAT(error_of([&] { static_cast<void>(retriever.blend(queries, 1, -1)); }), HasSubstr("nprobe"));
}

/// Whatever a byte is changed to, the index opens and blends, or is refused.
TEST(RetrieverTest, ChangedBytes) {
  const TemporaryFolder folder;
  const Features queries = features_of("queries_sparse.npy");
  const std::vector<std::byte> good = read_file(file("sparse.index"));
  int refused = 0;
  for (size_t at = 0; at < good.size(); at += at < 120 ? 1 : 61) {
    for (const auto value : {std::byte{0x00}, std::byte{0x7f}, std::byte{0xff}}) {
      std::vector<std::byte> changed = good;
      changed[at] = value;
      write_file(folder / "changed.index", changed);
      try {
        static_cast<void>(Retriever::open(folder / "changed.index").blend(queries));
      } catch (const Error&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(RetrieverTest, ValuesThatAreNotFinite) {
  const TemporaryFolder folder;
  const float nan = std::nanf("");
  for (const bool in_centres : {true, false}) {
    std::vector<std::byte> changed = read_file(file("sparse.index"));
    // The first value of the first centre (after two headers of 37 bytes and three counts), or of the last
    // vector (before its list's 8 ids).
    const size_t at = in_centres ? 2 * 37 + 3 * 8 : changed.size() - 8 * 8 - 16 * 4;
    std::memcpy(changed.data() + at, &nan, sizeof(nan));
    write_file(folder / "nan.index", changed);
    EXPECT_THAT(error_of([&] { Retriever::open(folder / "nan.index"); }), HasSubstr("not finite"))
        << in_centres;
  }
}

}  // namespace
}  // namespace contentvec::test
