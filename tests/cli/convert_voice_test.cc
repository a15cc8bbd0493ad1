// contentvec convert: the voices it takes, and their indexes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"
#include "cli/convert_case.h"
#include "f0/rmvpe.h"
#include "hub/hub_server.h"
#include "made_up.h"
#include "synthesizer/forge_voice.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(ConvertTest, VoicesOfVersionOneAndWithoutPitch) {
  const Result v1 = convert({"a.wav", "--voice", rvc_synthetic("tiny-v1-40k"), "--model",
                             rvc_synthetic("pipeline-hubert-v1"), "--json"});
  ASSERT_EQ(v1.code, 0) << v1.err;
  EXPECT_EQ(parsed(v1.out)["sample_rate"], 40000);
  const Result none =
      command({"convert", "a.wav", "--voice", rvc_synthetic("tiny-v2-32k-nono"), "--model",
               rvc_synthetic("pipeline-hubert-v2"), "--key", "3", "--protect", "0.2", "--json"});
  ASSERT_EQ(none.code, 0) << "no pitch model is needed: " << none.err;
  EXPECT_FALSE(parsed(none.out).contains("voiced"));
  EXPECT_THAT(none.err, AllOf(HasSubstr("--key has no effect: this voice takes no pitch"),
                              HasSubstr("--protect has no effect: there is no index")));
}

/// The README's first example: models that nobody names are downloaded, for each version its own.
TEST_F(ConvertTest, ModelsAreDownloadedByName) {
  write_file(folder_ / "singer.pth", ForgedVoice().bytes());
  synthesizer::VoiceConfig version_one = smallest_voice();
  version_one.version = "v1";
  version_one.phone_channels = 256;
  write_file(folder_ / "old.pth", ForgedVoice(version_one).bytes());
  for (const std::string version : {"v1", "v2"}) {
    ASSERT_EQ(command({"export", rvc_synthetic("pipeline-hubert-" + version), version + ".safetensors"}).code,
              0);
  }
  const f0::RmvpeConfig pitch = {
      .channels = 2, .blocks = 1, .layers = 5, .intermediate_layers = 1, .gru_hidden = 8};
  write_tensors(folder_ / "pitch.safetensors", references(f0::rmvpe_tensors(pitch)));
  const auto expected = [&](const std::string& voice, const std::string& model) {
    EXPECT_EQ(convert({"a.wav", "--voice", voice, "--model", model, "--pitch-model", "pitch.safetensors",
                       "--seed", "1", "--out", "x.wav"})
                  .code,
              0);
    return read_file(folder_ / "x.wav");
  };
  const std::vector<std::byte> second = expected("singer.pth", "v2.safetensors");
  const std::vector<std::byte> first = expected("old.pth", "v1.safetensors");
  HubServer hub;
  hub.publish("lexandstuff/mlx-contentvec", "contentvec_base.safetensors",
              text_of(folder_ / "v2.safetensors"));
  hub.publish("lj1995/VoiceConversionWebUI", "hubert_base.pt", text_of(folder_ / "v1.safetensors"));
  hub.publish("lj1995/VoiceConversionWebUI", "rmvpe.pt", text_of(folder_ / "pitch.safetensors"));
  for (const auto& [voice, samples] : {std::pair("singer.pth", second), std::pair("old.pth", first)}) {
    const Result result = command({"convert", "a.wav", "--voice", voice, "--out", "out.wav", "--seed", "1"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(read_file(folder_ / "out.wav"), samples) << voice;
  }
}

#ifdef CONTENTVEC_HAVE_FAISS
TEST_F(ConvertTest, AnIndexBesideTheVoiceIsUsed) {
  fs::create_directory(folder_ / "singer");
  ASSERT_EQ(command({"blend", rvc_synthetic("tiny-v2-48k"), rvc_synthetic("tiny-v2-48k"), "--weights", "1,0",
                     "singer/voice.safetensors"})
                .code,
            0);
  fs::copy_file(small_index(), folder_ / "singer/added_IVF1_Flat_nprobe_1_singer_v2.index");
  const std::string found = "singer/added_IVF1_Flat_nprobe_1_singer_v2.index";
  const Result result = convert({"a.wav", "--voice", "singer", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("note: the voice's index is used: " + found));
  EXPECT_EQ(parsed(result.out)["index"], found);
  EXPECT_EQ(parsed(result.out)["index_rate"], 0.75);
  expect_same({"--voice", "singer"}, {"--index", small_index()});
  expect_same({"--voice", "singer", "--index", "none"}, {});
  expect_same({"--voice", "singer", "--index-rate", "0"}, {});
  expect_same({"--voice", "singer/voice.safetensors"}, {});
  expect_same({"--voice", "singer", "--index", small_index(), "--index-rate", "0.3"},
              {"--voice", "singer", "--index-rate", "0.3"});
  write_file(folder_ / found, std::string("IwFl, and no more"));
  const Result damaged = convert({"a.wav", "--voice", "singer"});
  EXPECT_EQ(damaged.code, 1);
  EXPECT_THAT(damaged.err, HasSubstr("--index none converts without it"));
}

TEST_F(ConvertTest, AnIndexThatDoesNotFit) {
  write_npy(folder_ / "features.npy", "40, 256", noise(40 * 256));
  fs::create_directory(folder_ / "features");
  fs::rename(folder_ / "features.npy", folder_ / "features/a.npy");
  ASSERT_EQ(command({"index", "features", "v1.index"}).code, 0);
  const Result result = convert({"a.wav", "--index", "v1.index"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("the index holds vectors of 256"));
  EXPECT_EQ(convert({"a.wav", "--index", "missing.index"}).code, 1);
}

/// As people share them: a voice and its index, in a zip file, on the hub, and in a zip file there.
TEST_F(ConvertTest, PacksAndNamesOfTheHub) {
  const std::string voice = ForgedVoice().bytes();
  const std::string index = text_of(small_index());
  const std::string index_name = "added_IVF1_Flat_nprobe_1_singer_v2.index";
  const std::string pack =
      zip({deflated("singer/singer.pth", voice), deflated("singer/" + index_name, index)});
  write_file(folder_ / "singer.pth", voice);
  write_file(folder_ / "pack.zip", pack);
  HubServer hub;
  hub.publish("singer/voice", "singer.pth", voice);
  hub.publish("singer/voice", index_name, index);
  hub.publish("singer/packed", "singer.zip", pack);
  hub.publish("singer/bare", "weights/singer.pth", voice);

  const auto converted = [&](const std::vector<std::string>& options, const std::string& index_used) {
    std::vector<std::string> arguments = {"a.wav", "--seed", "1", "--out", "x.wav", "--json", "--voice"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Result result = convert(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    if (result.code != 0) return std::vector<std::byte>();
    const nlohmann::json line = parsed(result.out);
    EXPECT_THAT(line.value("index", ""), testing::EndsWith(index_used)) << options[0];
    EXPECT_EQ(line.contains("index"), !index_used.empty()) << options[0];
    return read_file(folder_ / "x.wav");
  };
  const std::vector<std::byte> expected = converted({"singer.pth", "--index", small_index()}, small_index());
  EXPECT_EQ(converted({"pack.zip"}, "pack.zip/singer/" + index_name), expected);
  EXPECT_EQ(converted({"singer/voice"}, index_name), expected);
  EXPECT_EQ(converted({"singer/packed"}, "singer.zip/singer/" + index_name), expected);
  const std::vector<std::byte> plain = converted({"singer.pth"}, "");
  EXPECT_NE(plain, expected);
  EXPECT_EQ(converted({"singer/bare/weights/singer.pth"}, ""), plain);
  EXPECT_EQ(converted({"pack.zip/singer/singer.pth"}, ""), plain);
  hub.stop();  // What was downloaded is there without it.
  EXPECT_EQ(converted({"singer/voice"}, index_name), expected);
}
#endif

}  // namespace
}  // namespace contentvec::test
