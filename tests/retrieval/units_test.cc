// Units of models that scikit-learn made (scripts/make_units_data.py) beside NumPy's nearest centres, and their files.

#include "contentvec/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "contentvec/feature_file.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of_opening(const std::filesystem::path& path) {
  return error_of([&] { static_cast<void>(Units::open(path)); });
}

TEST(UnitsTest, NearestCentresOfScikitLearnsModels) {
  const Features frames = read_features(data() / "units/frames.npy");
  const nlohmann::json expected = read_json(data() / "units/units.json");
  for (const std::string name : {"km", "double"}) {
    const Units units = Units::open(data() / ("units/" + name + ".joblib"));
    EXPECT_EQ(units.clusters(), 7) << name;
    EXPECT_EQ(units.dim(), 20) << name;
    EXPECT_EQ(units.assign(frames.data), expected.at(name).get<std::vector<int32_t>>()) << name;
  }
}

TEST(UnitsTest, SavedAndOpenedAgain) {
  const Units units = Units::open(data() / "units/km.joblib");
  const TemporaryFolder folder;
  units.save(folder / "km.npz");
  write_npy(folder / "km.npy", {7, 20}, units.centres());
  for (const char* name : {"km.npz", "km.npy"}) {
    const Units again = Units::open(folder / name);
    EXPECT_EQ(again.dim(), 20);
    EXPECT_TRUE(std::equal(again.centres().begin(), again.centres().end(), units.centres().begin(),
                           units.centres().end()));
  }
}

TEST(UnitsTest, TheFirstOfEqualsAndAnOddWidth) {
  const TemporaryFolder folder;
  write_npy(folder / "km.npy", {3, 1}, std::vector<float>{2, 0, 0});
  const Units units = Units::open(folder / "km.npy");
  EXPECT_THAT(units.assign(std::vector<float>{1, 0, 5, -1}), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(units.assign({}), ElementsAre());
}

TEST(UnitsTest, Deduplicated) {
  const UnitRuns runs = deduplicate(std::vector<int32_t>{4, 4, 4, 1, 4, 4});
  EXPECT_THAT(runs.units, ElementsAre(4, 1, 4));
  EXPECT_THAT(runs.durations, ElementsAre(3, 1, 2));
  EXPECT_TRUE(deduplicate({}).units.empty());
}

TEST(UnitsTest, WhatIsNoModel) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of_opening(data() / "units/compressed.joblib"),
              AllOf(HasSubstr("compressed (with zlib)"), HasSubstr("joblib.load")));
  write_file(folder / "gzip.km", std::string("\x1f\x8b\x08") + "rest");
  EXPECT_THAT(error_of_opening(folder / "gzip.km"), HasSubstr("compressed (with gzip)"));
  write_file(folder / "pickled.km",
             "csklearn.cluster._kmeans\nKMeans\n(tR(dS'cluster_centers_'\n"
             "cnumpy.core.multiarray\n_reconstruct\n(tRsb.");
  EXPECT_THAT(error_of_opening(folder / "pickled.km"), HasSubstr("pickle.dump"));
  EXPECT_THAT(error_of_opening(folder / "absent.km"), HasSubstr("absent.km"));
  const std::vector<std::byte> whole = read_file(data() / "units/km.joblib");
  for (size_t size = 0; size < whole.size(); size += 7) {
    write_file(folder / "cut.km",
               std::vector<std::byte>(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
    EXPECT_THAT(error_of_opening(folder / "cut.km"), HasSubstr("cut.km")) << size;
  }
  write_file(folder / "objects.km", "\x80\x02]q\x01.");
  EXPECT_THAT(error_of_opening(folder / "objects.km"), HasSubstr("no k-means model"));
  write_npy(folder / "flat.npy", {6}, std::vector<float>(6));
  EXPECT_THAT(error_of_opening(folder / "flat.npy"), HasSubstr("[clusters, dim]"));
  write_npy(folder / "one.npy", {1, 6}, std::vector<float>(6));
  EXPECT_THAT(error_of_opening(folder / "one.npy"), HasSubstr("2 to 65536 centres"));
  write_npy(folder / "nan.npy", {2, 1}, std::vector<float>{0, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_THAT(error_of_opening(folder / "nan.npy"), HasSubstr("not finite"));
}

TEST(UnitsTest, WhatIsNoFrame) {
  const Units units = Units::open(data() / "units/km.joblib");
  EXPECT_THAT(error_of([&] { static_cast<void>(units.assign(std::vector<float>(21))); }),
              HasSubstr("frames of 20"));
  EXPECT_THAT(
      error_of([&] {
        static_cast<void>(units.assign(std::vector<float>(20, std::numeric_limits<float>::infinity())));
      }),
      HasSubstr("not finite"));
}

TEST(UnitsTest, WhatCannotBeClustered) {
  const auto error = [](size_t values, const UnitOptions& options) {
    return error_of([&] { static_cast<void>(Units::train(std::vector<float>(values), 2, options)); });
  };
  EXPECT_THAT(error(5, {.clusters = 2}), HasSubstr("frames of 2"));
  EXPECT_THAT(error(8, {.clusters = 5}), HasSubstr("4 frames are fewer than 5 clusters"));
  EXPECT_THAT(error(8, {.clusters = 1}), HasSubstr("2 to 65536"));
  EXPECT_THAT(error(8, {.clusters = 2, .iterations = 0}), HasSubstr("iteration"));
  EXPECT_THAT(error(8, {.clusters = 2, .threads = -1}), HasSubstr("threads"));
}

}  // namespace
}  // namespace contentvec::test
