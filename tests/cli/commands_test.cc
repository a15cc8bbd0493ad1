// export, info, and the command line as a whole.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "cli/files.h"
#include "cli/process.h"
#include "support.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class CommandsTest : public testing::Test {
 protected:
  Result command(const std::vector<std::string>& arguments) {
    return run(arguments, {.folder = folder_.path()});
  }

  /// The features `model` gives for the same noise every time.
  std::vector<std::byte> features_of(const std::string& model, const std::vector<std::string>& more = {}) {
    write_wav(folder_ / "noise.wav", noise(8000));
    std::vector<std::string> arguments = {"extract", "noise.wav", "--model", model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = command(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.code == 0 ? read_file(folder_ / "noise.npy") : std::vector<std::byte>();
  }

  static std::string checkpoint(const std::string& name) {
    return (oracle() / "checkpoints" / name).string();
  }

  TemporaryFolder folder_;
};

TEST_F(CommandsTest, ExportToEveryLayoutAndBack) {
  const std::vector<std::byte> expected = features_of(checkpoint("tiny.fairseq.pt"));
  for (const std::string layout : {"fairseq", "hf", "mlx"}) {
    const Result result =
        command({"export", checkpoint("tiny.fairseq.pt"), layout + ".safetensors", "--layout", layout});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, StartsWith("wrote " + layout + ".safetensors: "));
    EXPECT_THAT(result.out, HasSubstr("(float32, " + layout + " names)"));
    EXPECT_EQ(features_of(layout + ".safetensors"), expected) << layout;
    ASSERT_EQ(command({"export", layout + ".safetensors", "back.safetensors"}).code, 0);
    EXPECT_EQ(features_of("back.safetensors"), expected) << layout;
  }
  EXPECT_TRUE(fs::exists(folder_ / "config.json"));
  EXPECT_TRUE(fs::exists(folder_ / "preprocessor_config.json"));
}

TEST_F(CommandsTest, ExportWritesTheArchitecture) {
  ASSERT_EQ(command({"export", checkpoint("tiny.mlx.safetensors"), "x.safetensors", "--config",
                     (oracle() / "configs" / "tiny.json").string()})
                .code,
            0);
  const auto config =
      nlohmann::json::parse(read_safetensors(folder_ / "x.safetensors").metadata.at("contentvec.config"));
  EXPECT_EQ(config["encoder_attention_heads"], 4);
  features_of("x.safetensors");  // with no --config
}

TEST_F(CommandsTest, ExportToFloat16AndBack) {
  ASSERT_EQ(command({"export", checkpoint("tiny.fairseq.pt"), "half.safetensors", "--dtype", "f16"}).code, 0);
  for (const auto& [name, dtype] : read_safetensors(folder_ / "half.safetensors").dtypes)
    EXPECT_EQ(dtype, "F16") << name;
  // The reference's float16 file holds the same roundings of the same weights.
  const std::vector<std::byte> expected = features_of(checkpoint("tiny.fairseq.fp16.pt"));
  EXPECT_EQ(features_of("half.safetensors"), expected);
  ASSERT_EQ(command({"export", "half.safetensors", "full.safetensors", "--dtype", "f32"}).code, 0);
  EXPECT_EQ(features_of("full.safetensors"), expected);
}

TEST_F(CommandsTest, ExportKeepsTheSpeakerLayers) {
  write_npy(folder_ / "speaker.npy", "256,", noise(256));
  const std::vector<std::string> speaker = {"--speaker-embedding", "speaker.npy"};
  const std::vector<std::byte> expected = features_of(checkpoint("tiny-speaker.contentvec.pt"), speaker);
  ASSERT_EQ(command({"export", checkpoint("tiny-speaker.contentvec.pt"), "x.safetensors"}).code, 0);
  EXPECT_EQ(features_of("x.safetensors", speaker), expected);
}

TEST_F(CommandsTest, ExportDoesNotOverwriteItsSource) {
  ASSERT_EQ(command({"export", checkpoint("tiny.fairseq.pt"), "m.safetensors"}).code, 0);
  const auto before = read_file(folder_ / "m.safetensors");
  const Result same = command({"export", "m.safetensors", "./m.safetensors", "--dtype", "f16"});
  EXPECT_EQ(same.code, 2);
  EXPECT_THAT(same.err, HasSubstr("would overwrite"));
  EXPECT_EQ(read_file(folder_ / "m.safetensors"), before);

  fs::copy(checkpoint("tiny.hf"), folder_ / "hf", fs::copy_options::recursive);
  EXPECT_EQ(command({"export", "hf", "hf/model.safetensors", "--layout", "hf"}).code, 2);
  EXPECT_THAT(names_in(folder_ / "hf"),
              ElementsAre("config.json", "preprocessor_config.json", "pytorch_model.bin"));
}

TEST_F(CommandsTest, ExportUsage) {
  const std::string model = checkpoint("tiny.fairseq.pt");
  EXPECT_EQ(command({"export", model}).code, 2);
  EXPECT_EQ(command({"export", model, "x.pt"}).code, 2);
  EXPECT_EQ(command({"export", model, "x.safetensors", "--dtype", "f8"}).code, 2);
  EXPECT_EQ(command({"export", model, "x.safetensors", "--layout", "onnx"}).code, 2);
  EXPECT_EQ(command({"export", "nowhere.pt", "x.safetensors"}).code, 1);
  EXPECT_EQ(command({"export", model, "no/such/folder/x.safetensors"}).code, 1);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(CommandsTest, InfoForPeople) {
  const Result result = command({"info", checkpoint("tiny-speaker.contentvec.pt")});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* text :
       {"torch zip", "fairseq", "ContentVec",
        "7 of 24 channels, kernels 10 3 3 3 3 2 2, strides 5 2 2 2 2 2 2, no bias",
        "GroupNorm after the first", "48, feed-forward 112", "4 of 12", "kernel 16, 4 groups",
        "5: 3 plain, then 2 conditioned on a speaker embedding of 256", "yes, to 20",
        "one every 320 samples at 16000 Hz, each from 400", "after the parts of each block, eps 1e-05"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
}

TEST_F(CommandsTest, InfoAsJson) {
  const Result result = command({"info", checkpoint("tiny.fairseq.pt"), "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  ASSERT_EQ(lines_of(result.out).size(), 1U);
  const auto info = nlohmann::json::parse(result.out);
  EXPECT_EQ(info["source"], checkpoint("tiny.fairseq.pt"));
  EXPECT_EQ(info["bytes"], fs::file_size(checkpoint("tiny.fairseq.pt")));
  EXPECT_EQ(info["sha256"], "ff77ab1be9969591f17a39bd9bdcb51699c8c059b07dd918fe6031bf403f9d1f");
  EXPECT_EQ(info["container"], "torch zip");
  EXPECT_EQ(info["layout"], "fairseq");
  EXPECT_EQ(info["config"]["encoder_embed_dim"], 48);
  EXPECT_EQ(info["layers"], 3);
  EXPECT_EQ(info["final_proj"], true);
  EXPECT_EQ(info["normalize"], false);
  EXPECT_EQ(info["receptive_field"], 400);
  EXPECT_EQ(info["hop"], 320);
  EXPECT_GT(info["parameters"].get<int>(), 80000);
  EXPECT_TRUE(info["warnings"].is_array());
}

TEST_F(CommandsTest, InfoOfOtherSources) {
  const auto directory = nlohmann::json::parse(command({"info", checkpoint("tiny.hf"), "--json"}).out);
  EXPECT_EQ(directory["layout"], "hf");
  EXPECT_EQ(directory["sha256"].get<std::string>().size(), 64U);
  const auto synthetic = nlohmann::json::parse(command({"info", "synthetic:base", "--json"}).out);
  EXPECT_EQ(synthetic["container"], "synthetic");
  EXPECT_TRUE(synthetic["sha256"].is_null());
  EXPECT_EQ(synthetic["config"]["encoder_layers"], 12);
  const Result mlx = command({"info", checkpoint("tiny.mlx.safetensors")});
  EXPECT_EQ(mlx.code, 1);
  EXPECT_THAT(mlx.err, HasSubstr("--config"));
  EXPECT_EQ(command({"info", checkpoint("tiny.mlx.safetensors"), "--config",
                     (oracle() / "configs" / "tiny.json").string()})
                .code,
            0);
  EXPECT_EQ(command({"info", "nowhere.pt"}).code, 1);
  EXPECT_EQ(command({"info"}).code, 2);
}

// Once the index's own size and digest were given as the weights'.
TEST_F(CommandsTest, InfoOfShardsHasNoOneFile) {
  ASSERT_EQ(command({"export", checkpoint("tiny.fairseq.pt"), "all.safetensors", "--layout", "hf"}).code, 0);
  const std::vector<std::byte> bytes = read_file(folder_ / "all.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const auto* text = reinterpret_cast<const char*>(bytes.data() + sizeof length);
  nlohmann::json map;
  const nlohmann::json header = nlohmann::json::parse(text, text + length);
  for (const auto& [name, tensor] : header.items())
    if (name != "__metadata__") map["weight_map"][name] = "all.safetensors";
  write_file(folder_ / "model.safetensors.index.json", map.dump());
  const auto info = nlohmann::json::parse(command({"info", ".", "--json"}).out);
  EXPECT_TRUE(info["sha256"].is_null());
  EXPECT_TRUE(info["bytes"].is_null());
  EXPECT_THAT(command({"info", "."}).out, HasSubstr("not one file"));
}

TEST_F(CommandsTest, InfoOfFeatures) {
  write_wav(folder_ / "a.wav", noise(8000));
  const std::vector<std::string> extract = {"extract", "a.wav", "--model", checkpoint("tiny.fairseq.pt")};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), extract.begin(), extract.end());
    return more;
  };
  ASSERT_EQ(command(extract).code, 0);
  ASSERT_EQ(command(with({"--layer", "all", "--out", "all.npy"})).code, 0);
  ASSERT_EQ(command(with({"--out", "a.safetensors"})).code, 0);
  ASSERT_EQ(command(with({"--layer", "all", "--out", "all.safetensors"})).code, 0);
  EXPECT_THAT(command({"info", "a.npy"}).out, HasSubstr("24 frames x 48, <f4"));
  EXPECT_THAT(command({"info", "all.npy"}).out, HasSubstr("3 layers x 24 frames x 48"));
  const auto npy = nlohmann::json::parse(command({"info", "a.npy", "--json"}).out);
  EXPECT_EQ(npy, nlohmann::json({{"kind", "features"},
                                 {"path", "a.npy"},
                                 {"bytes", fs::file_size(folder_ / "a.npy")},
                                 {"format", "npy"},
                                 {"dtype", "<f4"},
                                 {"shape", {24, 48}},
                                 {"frames", 24},
                                 {"dim", 48}}));
  const auto one = nlohmann::json::parse(command({"info", "a.safetensors", "--json"}).out);
  EXPECT_EQ(one["frames"], 24);
  EXPECT_EQ(one["metadata"]["layer"], "output");
  const auto all = nlohmann::json::parse(command({"info", "all.safetensors", "--json"}).out);
  EXPECT_EQ(all["layers"], 3);
  EXPECT_EQ(all["dim"], 48);
  EXPECT_THAT(command({"info", "a.safetensors"}).out, HasSubstr("layer           output"));
}

TEST_F(CommandsTest, InfoOfFilesThatAreDamaged) {
  write_npy(folder_ / "a.npy", "9, 48", noise(8));
  const Result cut = command({"info", "a.npy"});
  EXPECT_EQ(cut.code, 1);
  EXPECT_THAT(cut.err, HasSubstr("cut short or damaged"));
  write_file(folder_ / "a.index", std::string("IwFlxxxx"));
  EXPECT_EQ(command({"info", "a.index"}).code, 1);
  write_file(folder_ / "a.safetensors", std::string("\x10\0\0\0\0\0\0\0{\"a\":", 14));
  const Result damaged = command({"info", "a.safetensors"});
  EXPECT_EQ(damaged.code, 1);
  EXPECT_THAT(damaged.err, HasSubstr("a.safetensors"));
}

TEST_F(CommandsTest, VersionAndHelp) {
  const Result version = command({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("contentvec [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(version.err, "");

  const Result help = command({"--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* name : {"extract", "export", "info", "models"}) EXPECT_THAT(help.out, HasSubstr(name));
  EXPECT_EQ(help.err, "");

  const Result extract = command({"extract", "--help"});
  EXPECT_EQ(extract.code, 0);
  EXPECT_THAT(extract.out, HasSubstr("--speaker-embedding FILE.npy"));
}

TEST_F(CommandsTest, Usage) {
  const Result nothing = command({});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_EQ(nothing.out, "");
  EXPECT_THAT(nothing.err, HasSubstr("extract"));
  EXPECT_EQ(command({"transmogrify"}).code, 2);
  EXPECT_EQ(command({"--frobnicate"}).code, 2);
}

}  // namespace
}  // namespace contentvec::test
