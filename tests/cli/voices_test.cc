// Voices: info, voices, blend.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/forge.h"
#include "child.h"
#include "cli/files.h"
#include "cli/process.h"
#include "hub/hub_server.h"
#include "support.h"
#include "synthesizer/forge_voice.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class VoicesTest : public testing::Test {
 protected:
  Result command(const std::vector<std::string>& arguments) {
    return run(arguments, {.folder = folder_.path()});
  }
  void write(const std::string& name, const ForgedVoice& voice = ForgedVoice()) {
    write_bytes(name, voice.bytes());
  }
  void write_bytes(const std::string& name, const std::string& bytes) {
    fs::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, bytes);
  }
  static std::string index_bytes() { return text_of(data() / "retrieval" / "added.index"); }

  TemporaryFolder folder_;
};

TEST_F(VoicesTest, InfoForPeople) {
  ForgedVoice voice;
  voice.set("author", text("some\x1b[31mbody"));
  voice.set("embedder_model", text("japanese-hubert-base"));
  write("a.pth", voice);
  const Result result = command({"info", "a.pth"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* line :
       {"source          a.pth\n", "kind            an RVC voice, v2\n",
        "sample rate     16000 Hz, 160 samples for each frame of 10 ms\n", "pitch           yes",
        "speakers        2, numbered from 0\n", "features        ContentVec's layer 12 (768 values)\n",
        "epochs          20\n", "trained by      some [31mbody\n",
        "warning         it was trained on the features of"})
    EXPECT_THAT(result.out, HasSubstr(line));
}

TEST_F(VoicesTest, InfoForPrograms) {
  ForgedVoice voice;
  voice.set("epoch", integer(120));
  voice.set("author", text("somebody"));
  write("singer/a.pth", voice);
  write_bytes("singer/added_x.index", index_bytes());
  const Result result = command({"info", "singer", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json info = json::parse(result.out);
  EXPECT_EQ(info["kind"], "voice");
  EXPECT_EQ(info["source"], "singer/a.pth");
  EXPECT_EQ(info["version"], "v2");
  EXPECT_EQ(info["sample_rate"], 16000);
  EXPECT_EQ(info["pitch"], true);
  EXPECT_EQ(info["speakers"], 2);
  EXPECT_EQ(info["features"], json({{"layer", 12}, {"final_proj", false}, {"dim", 768}}));
  EXPECT_EQ(info["epochs"], 120);
  EXPECT_EQ(info["trained_by"], "somebody");
  EXPECT_EQ(info["index"], "singer/added_x.index");
  EXPECT_EQ(info["bytes"], fs::file_size(folder_ / "singer/a.pth"));
}

TEST_F(VoicesTest, InfoSaysWhichFeatures) {
  synthesizer::VoiceConfig config = smallest_voice();
  config.version = "v1";
  config.phone_channels = 256;
  ForgedVoice voice(config);
  write("rvc.pth", voice);
  voice.set("embedder_model", text("contentvec"));
  write("applio.pth", voice);
  EXPECT_THAT(command({"info", "rvc.pth"}).out,
              HasSubstr("ContentVec's layer 9 with final_proj (256 values)"));
  EXPECT_THAT(command({"info", "applio.pth"}).out, HasSubstr("layer 12 with final_proj (256 values)"));
  EXPECT_EQ(json::parse(command({"info", "applio.pth", "--json"}).out)["features"],
            json({{"layer", 12}, {"final_proj", true}, {"dim", 256}}));
}

TEST_F(VoicesTest, InfoOfATrainingCheckpoint) {
  ForgedVoice voice;
  voice.with_config = false;
  voice.weights_key = "model";
  voice.entries = {{"iteration", integer(12)}};
  write("G_100.pth", voice);
  const Result without = command({"info", "G_100.pth"});
  EXPECT_EQ(without.code, 1);
  EXPECT_THAT(without.err, HasSubstr("give it with --rate HZ"));
  EXPECT_THAT(command({"convert", (data() / "audio" / "speech.flac").string(), "--voice", "G_100.pth"}).err,
              HasSubstr("give it with --voice-rate HZ"));
  EXPECT_THAT(command({"blend", "G_100.pth", "G_100.pth", "out.safetensors"}).err,
              HasSubstr("give it with --rate HZ"));
  EXPECT_THAT(command({"voices", "."}).out, HasSubstr("give it with --voice-rate HZ"));
  EXPECT_THAT(command({"info", "G_100.pth", "--rate", "16000"}).out, HasSubstr("epochs          12\n"));
  EXPECT_EQ(command({"info", "G_100.pth", "--rate", "0"}).code, 2);
}

TEST_F(VoicesTest, InfoOfADamagedVoiceSaysWhatIsWrongWithTheVoice) {
  ForgedVoice voice;
  voice.tensors.erase("dec.conv_post.weight");
  write("a.pth", voice);
  const Result result = command({"info", "a.pth"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("dec.conv_post.weight [1, 2, 7] is missing"));
}

TEST_F(VoicesTest, InfoOfAVoiceOnTheHub) {
  HubServer hub;
  hub.publish("singer/voice", "a.pth", ForgedVoice().bytes());
  hub.publish("singer/voice", "added_x.index", index_bytes());
  const Result result = command({"info", "singer/voice", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const json info = json::parse(result.out);
  EXPECT_EQ(info["kind"], "voice");
  EXPECT_THAT(info["index"].get<std::string>(), HasSubstr("added_x.index"));
}

TEST_F(VoicesTest, AFolderIsListed) {
  write("weights/anna.pth");
  write("weights/bert_e20_s1000.pth");
  write("weights/nobody.pth");
  write_bytes("logs/anna/added_IVF9_Flat_nprobe_1_anna_v2.index", index_bytes());
  write_bytes("logs/anna/trained_IVF9_Flat_nprobe_1_anna_v2.index", index_bytes());
  write_bytes("logs/bert/total_fea.index", index_bytes());
  write_bytes("pack.zip",
              zip({deflated("x/x.pth", ForgedVoice().bytes()), deflated("x/y.index", index_bytes())}));
  write_bytes("weights/empty.pth", "");
  write_bytes(".hidden/x.pth", "");
  write_bytes("logs/bert/D_100.pth", text_of(oracle_rvc() / "checkpoints" / "refused.discriminator.D.pth"));
  const Result result = command({"voices", "."});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(
      lines_of(result.out),
      ElementsAre(
          AllOf(StartsWith("pack.zip "), HasSubstr("pack.zip/x/y.index")),
          AllOf(StartsWith("weights/anna.pth "), HasSubstr("v2    16 kHz  pitch     2 speakers"),
                HasSubstr("logs/anna/added_IVF9_Flat_nprobe_1_anna_v2.index")),
          AllOf(StartsWith("weights/bert_e20_s1000.pth "), HasSubstr("logs/bert/total_fea.index")),
          AllOf(StartsWith("weights/nobody.pth "), HasSubstr("no index")),
          AllOf(StartsWith("logs/bert/D_100.pth "), HasSubstr("no voice: "), HasSubstr("the discriminator")),
          AllOf(StartsWith("weights/empty.pth "), HasSubstr("no voice: "), HasSubstr("an empty file"))));
  const std::vector<std::string> lines = lines_of(command({"voices", ".", "--json"}).out);
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_EQ(json::parse(lines[1])["path"], "./weights/anna.pth");
  EXPECT_EQ(json::parse(lines[1])["kind"], "voice");
  EXPECT_EQ(json::parse(lines[5])["kind"], nullptr);
  EXPECT_THAT(json::parse(lines[5])["why"].get<std::string>(), HasSubstr("an empty file"));
}

TEST_F(VoicesTest, AFolderWithoutVoicesSaysSo) {
  const Result result = command({"voices", "."});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("there are no voices in ."));
  EXPECT_EQ(command({"voices", "nowhere"}).code, 2);
}

TEST_F(VoicesTest, AFolderThatCannotBeListedIsAFailure) {
  write("open/a.pth");
  fs::create_directories(folder_ / "open/closed");
  fs::permissions(folder_.path(), fs::perms::all);
  fs::permissions(folder_ / "open/closed", fs::perms::none);
  const WithoutPrivileges without;
  if (!without.effective()) GTEST_SKIP() << "the file permissions do not count for this user";
  const Result whole = command({"voices", "open/closed"});
  EXPECT_EQ(whole.code, 1);
  // LeakSanitizer, which may not look at a process of another user, has something to add.
  EXPECT_THAT(whole.err, StartsWith("contentvec: cannot list open/closed: Permission denied\n"));
  const Result part = command({"voices", "open"});
  EXPECT_EQ(part.code, 1);
  EXPECT_THAT(part.out, StartsWith("a.pth "));
  EXPECT_THAT(part.err, StartsWith("contentvec: cannot list open/closed: Permission denied\n"));
}

TEST_F(VoicesTest, AZipWithoutOneVoiceSaysSo) {
  const std::string voice = ForgedVoice().bytes();
  write_bytes("two.zip", zip({deflated("a.pth", voice), deflated("b.pth", voice)}));
  write_bytes("none.zip", zip({deflated("read me.txt", "no voice")}));
  write_bytes("damaged.zip", zip({deflated("a.pth", "no voice")}));
  const auto refusal = [&](const std::string& spec) {
    const Result result = command({"info", spec});
    EXPECT_EQ(result.code, 1);
    return result.err;
  };
  EXPECT_THAT(refusal("two.zip"),
              HasSubstr("two.zip: expected one voice, found 2: 'a.pth', 'b.pth'; name one"));
  EXPECT_THAT(refusal("none.zip"), HasSubstr("none.zip: there is no voice in it (.pth or .safetensors)"));
  EXPECT_THAT(refusal("damaged.zip"), HasSubstr("expected a checkpoint"));
  EXPECT_EQ(command({"info", "two.zip/b.pth"}).code, 0);
  for (const char* name : {"two.zip/c.pth", "two.zip/x/a.pth"}) {
    EXPECT_THAT(refusal(name),
                AllOf(HasSubstr("in two.zip; it has 'a.pth', 'b.pth'"), Not(HasSubstr("damaged"))));
    EXPECT_THAT(command({"convert", "a.wav", "--voice", name}).err, Not(HasSubstr("damaged")));
  }
  write_bytes("a.wav", "");
  EXPECT_THAT(command({"convert", "a.wav", "--voice", "two.zip/c.pth"}).err,
              HasSubstr("there is no 'c.pth' in two.zip; it has 'a.pth', 'b.pth'"));
  write("torch.pth");
  EXPECT_THAT(refusal("torch.pth/a.pth"), HasSubstr("torch.pth is no zip file with voices"));
}

/// A terminal would do what a name says.
TEST_F(VoicesTest, ControlCharactersOfNamesAreWritten) {
  const std::string odd = "a\x1b[31m\nb\xc2\x9b\x7f";
  write_bytes("pack.zip",
              zip({deflated(odd + ".pth", ForgedVoice().bytes()), deflated(odd + ".index", index_bytes())}));
  write_bytes("more.zip", zip({deflated(odd + ".pth", "x"), deflated("x.pth", "x")}));
  const std::string written = "a\\u001b[31m\\u000ab\\u009b\\u007f";
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"info", "pack.zip"}, {"info", "more.zip"}, {"info", odd}, {"voices", "."}, {"voices", odd}}) {
    const Result result = command(arguments);
    const std::string all = result.out + result.err;
    for (const char* control : {"\x1b", "\xc2\x9b", "\x7f"})
      EXPECT_THAT(all, Not(HasSubstr(control))) << testing::PrintToString(arguments);
  }
  EXPECT_THAT(command({"info", "pack.zip"}).out,
              AllOf(HasSubstr("source          pack.zip/" + written + ".pth\n"),
                    HasSubstr("index           pack.zip/" + written + ".index\n")));
  EXPECT_THAT(command({"voices", "."}).out, HasSubstr("pack.zip/" + written + ".index\n"));
  EXPECT_EQ(json::parse(command({"info", "pack.zip", "--json"}).out)["source"], "pack.zip/" + odd + ".pth");
}

TEST_F(VoicesTest, VoicesAreBlended) {
  write("a.pth");
  write("b.pth");
  const Result result = command({"blend", "a.pth", "b.pth", "--weights", "1,3", "ab.safetensors"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              StartsWith("wrote ab.safetensors: blend of a.pth (0.25), b.pth (0.75), 16000 Hz, version v2"));
  EXPECT_THAT(command({"info", "ab.safetensors"}).out,
              HasSubstr("info            blend of a.pth (0.25), b.pth (0.75)"));
  ASSERT_EQ(command({"blend", "a.pth", "b.pth", "half.safetensors", "--dtype", "f16"}).code, 0);
  EXPECT_LT(fs::file_size(folder_ / "half.safetensors"), fs::file_size(folder_ / "ab.safetensors"));
}

TEST_F(VoicesTest, BlendUsage) {
  write("a.pth");
  EXPECT_EQ(command({"blend", "a.pth", "x.safetensors"}).code, 2);
  EXPECT_EQ(command({"blend", "a.pth", "a.pth", "x.pth"}).code, 2);
  EXPECT_EQ(command({"blend", "a.pth", "a.pth", "x.safetensors", "--weights", "1"}).code, 2);
  EXPECT_EQ(command({"blend", "a.pth", "a.pth", "x.safetensors", "--weights", "1,-1"}).code, 2);
  EXPECT_EQ(command({"blend", "a.pth", "a.pth", "x.safetensors", "--weights", "0,0"}).code, 1);
  EXPECT_EQ(command({"blend", "a.pth", "nowhere.pth", "x.safetensors"}).code, 1);
  EXPECT_FALSE(fs::exists(folder_ / "x.safetensors"));
}

}  // namespace
}  // namespace contentvec::test
