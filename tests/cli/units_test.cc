// units, and extract --units.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/ranges.h>

#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/feature_file.h"
#include "contentvec/units.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Three recordings, the features of a tiny model of 48 dimensions, and five centres of these.
class UnitsCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "in/deep");
    write_wav(folder_ / "in/a.wav", noise(16000));
    write_wav(folder_ / "in/b.wav", noise(24000));
    write_wav(folder_ / "in/deep/c.wav", noise(9000));
    ASSERT_EQ(extract({"in", "--recursive", "--out", "features/"}).code, 0);
    write_npy(folder_ / "km.npy", std::vector<int64_t>{5, 48}, noise(5 * 48));
  }
  Result command(const std::vector<std::string>& arguments) {
    return run(arguments, {.folder = folder_.path()});
  }
  Result extract(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"extract", "--model", tiny_model().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command(arguments);
  }
  std::vector<int32_t> expected(const std::string& features) {
    return Units::open(folder_ / "km.npy").assign(read_features(folder_ / features).data);
  }
  TemporaryFolder folder_;
};

TEST_F(UnitsCommandTest, AFileForEachAsTextlesslibHasThem) {
  const Result result = extract({"in", "--recursive", "--units", "km.npy", "--out", "units/"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(text_of(folder_ / "units/a.units"),
            fmt::format("a\t{}\n", fmt::join(expected("features/a.npy"), " ")));
  EXPECT_EQ(text_of(folder_ / "units/deep/c.units"),
            fmt::format("c\t{}\n", fmt::join(expected("features/deep/c.npy"), " ")));
  const std::vector<std::string> again = {"in",    "--recursive", "--units", "km.npy",
                                          "--out", "units/",      "--json",  "--skip-existing"};
  write_file(folder_ / "units/b.units", "b\t1 2");
  EXPECT_THAT(lines_of(extract(again).out),
              ElementsAre(HasSubstr("skipped"), HasSubstr("\"units\":74"), HasSubstr("skipped")));
}

TEST_F(UnitsCommandTest, OneFileOfAllWithDurations) {
  const Result result = extract({"in", "--recursive", "--units", "km.npy", "--out", "all.txt",
                                 "--deduplicate", "--durations", "--max-seconds", "0.5"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<std::string> units = lines_of(text_of(folder_ / "all.txt"));
  const std::vector<std::string> durations = lines_of(text_of(folder_ / "all.durations"));
  EXPECT_THAT(units, ElementsAre(StartsWith("a|"), StartsWith("b|"), StartsWith("deep/c|")));
  EXPECT_THAT(durations, ElementsAre(StartsWith("a|"), StartsWith("b|"), StartsWith("deep/c|")));
}

TEST_F(UnitsCommandTest, DurationsAddUpToTheFrames) {
  ASSERT_EQ(
      extract({"in/a.wav", "--units", "km.npy", "--out", "a.units", "--deduplicate", "--durations"}).code, 0);
  const UnitRuns runs = deduplicate(expected("features/a.npy"));
  EXPECT_EQ(text_of(folder_ / "a.units"), fmt::format("a\t{}\n", fmt::join(runs.units, " ")));
  EXPECT_EQ(text_of(folder_ / "a.durations"), fmt::format("a\t{}\n", fmt::join(runs.durations, " ")));
}

TEST_F(UnitsCommandTest, WrongUse) {
  const auto usage = [&](const std::vector<std::string>& arguments) {
    const Result result = extract(arguments);
    EXPECT_EQ(result.code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(usage({"in", "--format", "units"}), HasSubstr("give --units"));
  EXPECT_THAT(usage({"in", "--units", "km.npy", "--format", "npy"}), HasSubstr("units or txt"));
  EXPECT_THAT(usage({"in", "--units", "km.npy", "--layer", "all"}), HasSubstr("--layer all"));
  EXPECT_THAT(usage({"in", "--units", "km.npy", "--out", "x.units", "--skip-existing"}),
              HasSubstr("one file of all"));
  EXPECT_THAT(usage({"in", "--units", "km.npy", "--out", "x.units", "--shard", "1/2"}),
              HasSubstr("one file of all"));
  EXPECT_THAT(usage({"in/a.wav", "--units", "km.npy", "--out", "-", "--durations"}),
              HasSubstr("give --out a name"));
  EXPECT_THAT(usage({"in", "--units", "km.txt", "--out", "km.txt"}), HasSubstr("would overwrite"));
  write_npy(folder_ / "narrow.npy", std::vector<int64_t>{5, 7}, noise(35));
  const Result narrow = extract({"in", "--units", "narrow.npy", "--out", "x/"});
  EXPECT_EQ(narrow.code, 1);
  EXPECT_THAT(narrow.err, HasSubstr("7 dimensions, the features to extract 48"));
}

TEST_F(UnitsCommandTest, ANameThatWouldBreakItsLineIsRefused) {
  for (const char* name : {"in/x\ty.wav", "in/x|y.wav", "in/x\ny.wav"})
    write_wav(folder_ / name, noise(9000));
  const Result units = extract({"in", "--units", "km.npy", "--out", "all.units"});
  EXPECT_EQ(units.code, 1);
  EXPECT_THAT(units.err, HasSubstr("rename it"));
  EXPECT_THAT(lines_of(text_of(folder_ / "all.units")),
              ElementsAre(StartsWith("a\t"), StartsWith("b\t"), StartsWith("x|y\t")));
  EXPECT_EQ(extract({"in", "--units", "km.npy", "--out", "each/", "--format", "txt"}).code, 1);
  EXPECT_THAT(names_in(folder_ / "each"), ElementsAre("a.txt", "b.txt", "x\ty.txt"));
}

TEST_F(UnitsCommandTest, InfoOfScikitLearnsModels) {
  const fs::path models = data() / "units";
  fs::copy_file(models / "km.joblib", folder_ / "km.bin");  // as fairseq and textlesslib name it
  EXPECT_THAT(command({"info", "km.bin"}).out, AllOf(HasSubstr("units"), HasSubstr("7 of ")));
  fs::copy_file(models / "compressed.joblib", folder_ / "small.km");
  EXPECT_THAT(command({"info", "small.km"}).err,
              AllOf(HasSubstr("it is compressed"), HasSubstr("cluster_centers_")));
}

TEST_F(UnitsCommandTest, ClustersFeatures) {
  const std::vector<std::string> train = {"units", "features/", "--clusters", "6",
                                          "--out", "km.npz",    "--frames",   "100"};
  const Result result = command(train);
#ifdef CONTENTVEC_HAVE_FAISS
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "wrote km.npz: 6 units of 48\n");
  EXPECT_THAT(result.err, HasSubstr("clustering 100 of 150 frames of 48 from 3 files"));
  const std::vector<std::byte> first = read_file(folder_ / "km.npz");
  ASSERT_EQ(command(train).code, 0);
  EXPECT_EQ(read_file(folder_ / "km.npz"), first) << "the same features give the same file";
  EXPECT_EQ(extract({"in/a.wav", "--units", "km.npz", "--out", "a.units"}).code, 0);
  EXPECT_THAT(command({"info", "km.npz"}).out, AllOf(HasSubstr("units"), HasSubstr("6 of 48")));
  EXPECT_THAT(command({"info", "km.npz", "--json"}).out, HasSubstr(R"("clusters":6,"dim":48)"));
  EXPECT_EQ(command({"units", "features/", "--clusters", "6", "--out", "new/deep/km.npz"}).code, 0);
#else
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("CONTENTVEC_FAISS"));
#endif
  const Result nowhere = command({"units", "features/", "--clusters", "6", "--out", "km.npy/km.npz"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, AllOf(HasSubstr("cannot make the folder"), Not(HasSubstr("clustering"))));
  EXPECT_EQ(command({"units", "features/", "--clusters", "6", "--out", "km.bin"}).code, 2);
  EXPECT_THAT(command({"units", "in", "--clusters", "6", "--out", "km.npz"}).err,
              HasSubstr("no features in it"));
  write_npy(folder_ / "features/narrow.npy", std::vector<int64_t>{5, 7}, noise(35));
  EXPECT_THAT(command({"units", "features/", "--clusters", "6", "--out", "km.npz"}).err,
              HasSubstr("narrow.npy"));
}

}  // namespace
}  // namespace contentvec::test
