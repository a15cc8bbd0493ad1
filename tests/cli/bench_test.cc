// bench: what it prints, not how fast it is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::HasSubstr;

/// `bench` of the tiny model.
Result bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bench", "--model", tiny_model().string(), "--runs", "3"});
  return run(arguments);
}

TEST(Bench, JsonIsOneObjectOfTheStatedKeys) {
  const Result result = bench({"--json", "--seconds", "0.5", "--threads", "2", "--batch", "3"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), 1U);
  const auto object = nlohmann::ordered_json::parse(result.out);
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  EXPECT_THAT(keys,
              testing::ElementsAre("seconds", "batch", "threads", "dtype", "device", "isa", "runs", "load_ms",
                                   "median_ms", "min_ms", "rtf", "gflops", "peak_gflops", "peak_rss_mb"));
  EXPECT_EQ(object["seconds"], 0.5);
  EXPECT_EQ(object["batch"], 3);
  EXPECT_EQ(object["threads"], 2);
  EXPECT_EQ(object["dtype"], "f32");
  EXPECT_EQ(object["device"], "cpu");
  EXPECT_EQ(object["runs"], 3);
}

TEST(Bench, FiguresFitEachOther) {
  const auto object = nlohmann::json::parse(bench({"--json", "--seconds", "0.5", "--batch", "2"}).out);
  const double median = object["median_ms"];
  EXPECT_GT(object["load_ms"], 0);
  EXPECT_GT(object["min_ms"], 0);
  EXPECT_LE(object["min_ms"], median);
  EXPECT_NEAR(object["rtf"], median / 1e3 / (0.5 * 2), 1e-9);  // processing over audio
  // The work of the tiny model's 24 frames, counted by hand below, twice.
  const double convolutions =
      1551.0 * 10 * 24 + (775 + 387 + 193 + 96) * 3.0 * 24 * 24 + (48 + 24) * 2.0 * 24 * 24;
  const double frames = 24;
  const double projection = frames * 24 * 48;
  const double positions = frames * 16 * 12 * 48;
  const double block = frames * 4 * 48 * 48 + 2 * frames * frames * 48 + 2 * frames * 48 * 112;
  const double flops = 2 * 2 * (convolutions + projection + positions + 3 * block);
  EXPECT_NEAR(object["gflops"].get<double>() * median * 1e6 / flops, 1, 1e-9);
  EXPECT_GT(object["peak_gflops"], 0);
  EXPECT_GT(object["peak_rss_mb"], 1);
  EXPECT_LT(object["peak_rss_mb"], 10000);
}

TEST(Bench, TheInstructionSetIsTheForcedOne) {
  setenv("CONTENTVEC_ISA", "scalar", 1);
  const Result result = bench({"--json", "--seconds", "0.1"});
  unsetenv("CONTENTVEC_ISA");
  EXPECT_EQ(nlohmann::json::parse(result.out)["isa"], "scalar");
}

TEST(Bench, TextSaysWhatTheFiguresAre) {
  const Result result = bench({"--seconds", "0.5"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* text : {"1 x 0.5 s of audio", "load", "median", "fastest",
                           "seconds of processing per second of audio", "GFLOP/s", "%", "MB at the peak"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  EXPECT_THAT(run({"bench", "--help"}).out, HasSubstr("seconds of processing per second of audio"));
}

TEST(Bench, ASpeakerConditionedModelNeedsNoMore) {
  const Result result =
      run({"bench", "--model", (oracle() / "checkpoints" / "tiny-speaker.contentvec.pt").string(),
           "--seconds", "0.1", "--runs", "1", "--batch", "2", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
}

TEST(Bench, Usage) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{{"--seconds", "0"},
                                                                                     {"--seconds", "-1"},
                                                                                     {"--seconds", "nan"},
                                                                                     {"--seconds", "0.02"},
                                                                                     {"--seconds", "x"},
                                                                                     {"--threads", "-1"},
                                                                                     {"--threads", "1025"},
                                                                                     {"--dtype", "f16"},
                                                                                     {"--batch", "0"},
                                                                                     {"--runs", "0"},
                                                                                     {"--frobnicate"},
                                                                                     {"leftover"}}) {
    const Result result = bench(wrong);
    EXPECT_EQ(result.code, 2) << testing::PrintToString(wrong);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("contentvec bench --help"));
  }
  EXPECT_THAT(bench({"--seconds", "0.02"}).err, HasSubstr("this model needs at least 400"));
  EXPECT_EQ(run({"bench", "--model", "nowhere.pt"}).code, 1);
}

}  // namespace
}  // namespace contentvec::test
