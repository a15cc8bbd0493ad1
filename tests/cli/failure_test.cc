// Nothing fails silently, nothing is left half done, and one failure does not stop the rest.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FailureTest : public testing::Test {
 protected:
  void SetUp() override {
    write_wav(folder_ / "a.wav", noise(16000));
    write_wav(folder_ / "b.wav", noise(16000));
  }

  Result extract(std::vector<std::string> arguments, Surroundings surroundings = {}) {
    arguments.insert(arguments.begin(), {"extract", "--model", tiny_model().string()});
    surroundings.folder = folder_.path();
    return run(arguments, surroundings);
  }

  TemporaryFolder folder_;
};

TEST_F(FailureTest, TheOthersAreDone) {
  write_file(folder_ / "noise.wav", std::string("this is no audio file"));
  write_wav(folder_ / "short.wav", noise(399));
  const Result result = extract({"a.wav", "missing.wav", "noise.wav", "short.wav", "b.wav"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(names_in(folder_.path()),
              ElementsAre("a.npy", "a.wav", "b.npy", "b.wav", "noise.wav", "short.wav"));
  for (const char* failed : {"missing.wav", "noise.wav", "short.wav"}) {
    EXPECT_THAT(result.err, HasSubstr(std::string("contentvec: ") + failed + ": "));
  }
  EXPECT_THAT(result.err, HasSubstr("3 of 5 failed:\n  missing.wav\n  noise.wav\n  short.wav\n"));
  EXPECT_THAT(result.err, HasSubstr("[5/5] b.wav -> b.npy  49 frames x 48"));
}

TEST_F(FailureTest, NonFiniteAudio) {
  std::vector<float> samples = noise(16000);
  samples[5000] = std::numeric_limits<float>::quiet_NaN();
  write_wav(folder_ / "nan.wav", samples);
  EXPECT_EQ(extract({"nan.wav"}).code, 1);
  EXPECT_FALSE(fs::exists(folder_ / "nan.npy"));
}

TEST_F(FailureTest, NoSuchModel) {
  const Result result = run({"extract", "a.wav", "--model", "nowhere.pt"}, {.folder = folder_.path()});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere.pt"));
  EXPECT_EQ(result.out, "");
}

TEST_F(FailureTest, NoSuchConfig) {
  const Result result = extract({"a.wav", "--config", "nowhere.json"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere.json"));
}

TEST_F(FailureTest, AFullDiskLeavesTheOldFile) {
  write_file(folder_ / "a.npy", std::string("old"));
  const Result result = extract({"a.wav", "b.wav"}, {.largest_file = 4096});  // 49 x 48 floats need 9.5 KB
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("2 of 2 failed"));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.npy", "a.wav", "b.wav"));
  EXPECT_EQ(read_file(folder_ / "a.npy").size(), 3U);
}

TEST_F(FailureTest, AFullDiskWhileExporting) {
  const Result result = run({"export", tiny_model().string(), "m.safetensors"},
                            {.folder = folder_.path(), .largest_file = 100000});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("a.wav", "b.wav"));
}

TEST_F(FailureTest, PlacesThatCannotBeWritten) {
  for (const char* out : {"/proc/x.npy", "a.wav/x.npy"}) {
    const Result result = extract({"b.wav", "--out", out});
    EXPECT_EQ(result.code, 1) << out;
    EXPECT_FALSE(result.err.empty());
  }
  fs::create_directory(folder_ / "b.npy");
  EXPECT_EQ(extract({"b.wav"}).code, 1) << "the output's name is a directory's";
}

TEST_F(FailureTest, StandardOutputThatCannotBeWritten) {
  const Result json = extract({"a.wav", "b.wav", "--json"}, {.output = "/dev/full"});
  EXPECT_EQ(json.code, 1);
  EXPECT_THAT(json.err, HasSubstr("cannot write to standard output"));
  EXPECT_TRUE(fs::exists(folder_ / "b.npy")) << "the features are worth having all the same";
  EXPECT_EQ(run({"info", "synthetic:base"}, {.output = "/dev/full"}).code, 1);
  EXPECT_EQ(run({"--help"}, {.output = "/dev/full"}).code, 1);
}

TEST_F(FailureTest, ClosedStreams) {
  // The files it opens are then numbers 0 to 2: nothing may be printed while one of them is open.
  const Result json = extract({"a.wav", "b.wav", "--json"}, {.streams_closed = true});
  EXPECT_EQ(json.code, 1);
  const Result quiet = extract({"a.wav", "b.wav", "missing.wav"}, {.streams_closed = true});
  EXPECT_EQ(quiet.code, 1);
  EXPECT_EQ(read_npy(folder_ / "a.npy").values.size(), 49U * 48U);
  EXPECT_EQ(read_npy(folder_ / "b.npy").values.size(), 49U * 48U);
  EXPECT_EQ(extract({"a.wav"}, {.streams_closed = true}).code, 0);
}

}  // namespace
}  // namespace contentvec::test
