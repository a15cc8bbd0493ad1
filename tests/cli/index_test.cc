// index, and extract --index.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/retriever.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A folder of features, 3 s of noise from a tiny model of 48 dimensions.
class IndexTest : public testing::Test {
 protected:
  void SetUp() override {
    write_wav(folder_ / "noise.wav", noise(48000));
    ASSERT_EQ(extract({"--out", "voice/3_feature768/"}).code, 0);
  }
  Result command(const std::vector<std::string>& arguments) {
    return run(arguments, {.folder = folder_.path()});
  }
  Result extract(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"extract", "noise.wav", "--model", tiny_model().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command(arguments);
  }
  const std::string features_ = "voice/3_feature768";
  TemporaryFolder folder_;
};

TEST_F(IndexTest, ToAFile) {
  const Result result = command({"index", features_, "voice.index"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "wrote voice.index: 149 vectors of 48 in 3 lists\n");
  EXPECT_THAT(lines_of(result.err),
              ElementsAre("read 1 files: 149 vectors of 48", "sorting 149 vectors into 3 lists"));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("noise.wav", "voice", "voice.index"));
}

TEST_F(IndexTest, ToAFileInANewFolder) {
  EXPECT_EQ(command({"index", features_, "new/voice.index"}).code, 0);
  const Result nowhere = command({"index", features_, "noise.wav/voice.index"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, AllOf(HasSubstr("cannot make the folder"), testing::Not(HasSubstr("sorting"))));
}

TEST_F(IndexTest, ToADirectoryUnderRvcsNames) {
  ASSERT_EQ(command({"index", features_, "voice"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "voice"), ElementsAre("3_feature768", "added_IVF3_Flat_nprobe_1_voice.index",
                                                       "trained_IVF3_Flat_nprobe_1_voice.index"));
  ASSERT_EQ(command({"index", features_, "new/", "--name", "me"}).code, 0);
  EXPECT_THAT(names_in(folder_ / "new"),
              ElementsAre("added_IVF3_Flat_nprobe_1_me.index", "trained_IVF3_Flat_nprobe_1_me.index"));
}

TEST_F(IndexTest, Info) {
  ASSERT_EQ(command({"index", features_, "voice.index"}).code, 0);
  const Result text = command({"info", "voice.index"});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("149 of 48, in 3 lists"), std::string::npos) << text.out;
  const auto found = nlohmann::json::parse(command({"info", "voice.index", "--json"}).out);
  EXPECT_EQ(found, nlohmann::json({{"kind", "index"},
                                   {"path", "voice.index"},
                                   {"bytes", fs::file_size(folder_ / "voice.index")},
                                   {"vectors", 149},
                                   {"dim", 48},
                                   {"lists", 3}}));
}

TEST_F(IndexTest, ExtractBlends) {
  ASSERT_EQ(command({"index", features_, "voice.index"}).code, 0);
  const Array plain = read_npy(folder_ / features_ / "noise.npy");
  // The same frames are all in the index, so that at any rate they stay what they are, to rounding.
  ASSERT_EQ(extract({"--index", "voice.index"}).code, 0);
  const Array same = read_npy(folder_ / "noise.npy");
  ASSERT_EQ(same.shape, plain.shape);
  for (size_t i = 0; i < plain.values.size(); ++i) EXPECT_FLOAT_EQ(same.values[i], plain.values[i]);
  // Another layer's are not.
  ASSERT_EQ(
      extract({"--layer", "1", "--out", "zero.npy", "--index", "voice.index", "--index-rate", "0"}).code, 0);
  ASSERT_EQ(extract({"--layer", "1", "--out", "layer.npy"}).code, 0);
  ASSERT_EQ(extract({"--layer", "1", "--out", "one.npy", "--index", "voice.index", "--index-rate", "1"}).code,
            0);
  ASSERT_EQ(
      extract({"--layer", "1", "--out", "half.safetensors", "--index", "voice.index", "--index-rate", "0.5"})
          .code,
      0);
  const std::vector<float> layer = read_npy(folder_ / "layer.npy").values;
  const std::vector<float> one = read_npy(folder_ / "one.npy").values;
  EXPECT_EQ(read_npy(folder_ / "zero.npy").values, layer);
  EXPECT_NE(one, layer);
  const SafetensorsFile file = read_safetensors(folder_ / "half.safetensors");
  EXPECT_EQ(file.metadata.at("index"), "voice.index");
  EXPECT_EQ(file.metadata.at("index_rate"), "0.5");
  const std::vector<float>& half = file.tensors.at("features").values;
  for (size_t i = 0; i < half.size(); ++i) EXPECT_NEAR(half[i], (one[i] + layer[i]) / 2, 1e-6);
}

/// In batches and alone, whole and in pieces, written once or twice.
TEST_F(IndexTest, ExtractIsTheRetrieverOnThePlainFeatures) {
  ASSERT_EQ(command({"index", features_, "voice.index"}).code, 0);
  const Retriever voice = Retriever::open(folder_ / "voice.index");
  const std::vector<float> samples = noise(80000);
  for (const size_t count : {2000U, 7000U, 30000U, 80000U}) {
    write_wav(folder_ / ("in" + std::to_string(count) + ".wav"), std::span(samples).first(count));
  }
  const auto all = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"in2000.wav",    "in7000.wav", "in30000.wav", "in80000.wav",
                                          "--layer",       "2",          "--out",       out,
                                          "--max-seconds", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ASSERT_EQ(extract(arguments).code, 0) << out;
  };
  all("plain", {});
  all("usual", {"--index", "voice.index"});
  all("alone", {"--index", "voice.index", "--index-rate", "0.3", "--batch-seconds", "0"});
  all("twice", {"--index", "voice.index", "--repeat", "2"});
  all("wide", {"--index", "voice.index", "--nprobe", "3"});
  ASSERT_EQ(names_in(folder_ / "plain").size(), 5U);
  for (const std::string& name : names_in(folder_ / "plain")) {
    const Array plain = read_npy(folder_ / "plain" / name);
    const auto blended = [&](float rate, int64_t nprobe = 0) {
      return voice.blend({plain.shape[0], plain.shape[1], plain.values}, rate, nprobe).data;
    };
    const std::vector<float> usual = blended(0.75F);
    EXPECT_NE(usual, plain.values) << name;
    EXPECT_EQ(read_npy(folder_ / "usual" / name).values, usual) << name;
    EXPECT_EQ(read_npy(folder_ / "alone" / name).values, blended(0.3F)) << name;
    EXPECT_EQ(read_npy(folder_ / "wide" / name).values, blended(0.75F, 3)) << name;
    const Array twice = read_npy(folder_ / "twice" / name);
    ASSERT_THAT(twice.shape, ElementsAre(2 * plain.shape[0], 48));
    for (size_t i = 0; i < twice.values.size(); ++i) {
      ASSERT_EQ(twice.values[i], usual[i / 96 * 48 + i % 48]) << name << ", value " << i;
    }
  }
}

TEST_F(IndexTest, ExtractRefuses) {
  ASSERT_EQ(command({"index", features_, "voice.index"}).code, 0);
  const Result width = extract({"--final-proj", "--index", "voice.index"});
  EXPECT_EQ(width.code, 1);
  EXPECT_THAT(width.err,
              AllOf(HasSubstr("voice.index"), HasSubstr("48 dimensions"), HasSubstr("extract 20")));
  EXPECT_EQ(extract({"--layer", "all", "--index", "voice.index"}).code, 2);
  EXPECT_EQ(extract({"--index", "voice.index", "--index-rate", "2"}).code, 2);
  EXPECT_EQ(extract({"--index-rate", "1"}).code, 2);
  EXPECT_EQ(extract({"--nprobe", "2"}).code, 2);
  EXPECT_EQ(extract({"--index", "voice.index", "--nprobe", "0"}).code, 2);
  EXPECT_EQ(extract({"--index", "noise.wav"}).code, 1);
  EXPECT_FALSE(fs::exists(folder_ / "noise.npy"));
}

TEST_F(IndexTest, Refuses) {
  EXPECT_EQ(command({"index", features_}).code, 2);
  EXPECT_EQ(command({"index", features_, "voice.npy"}).code, 2);
  EXPECT_EQ(command({"index", features_, "voice.index", "--name", "me"}).code, 2);
  EXPECT_EQ(command({"index", features_, "voice", "--name", "../me"}).code, 2);
  const Result empty = command({"index", "voice", "voice.index"});
  EXPECT_EQ(empty.code, 1);
  EXPECT_THAT(empty.err, HasSubstr("no .npy file"));
  fs::remove(folder_ / features_ / "noise.npy");
  write_wav(folder_ / "noise.wav", noise(8000));
  ASSERT_EQ(extract({"--out", features_}).code, 0);
  const Result few = command({"index", features_, "voice.index"});
  EXPECT_EQ(few.code, 1);
  EXPECT_THAT(few.err, AllOf(HasSubstr("at least 39 vectors"), HasSubstr("found 24")));
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("noise.wav", "voice"));
}

}  // namespace
}  // namespace contentvec::test
