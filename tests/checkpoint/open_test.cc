#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "checkpoint/forge.h"
#include "checkpoint/hostile.h"
#include "child.h"
#include "support.h"

// Recognising files and directories.

namespace contentvec::test {
namespace {

using checkpoint::open;
using std::string_literals::operator""s;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Hostile> strangers() {
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  return {
      {"Empty", "", "an empty file"},
      {"OneByte", "x", "1 bytes that begin with 'x'"},
      {"GitLfs", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "run git lfs pull"},
      {"Html", "<!DOCTYPE html><html>404</html>", "a web page"},
      {"HtmlIndented", "\n\n  <html>", "a web page"},
      {"Json", R"({"error": "Entry not found"})", "JSON text"},
      {"JsonIndented", "  {\"a\": 1}", "JSON text"},
      {"Tar", tar, "a tar archive, perhaps one that torch wrote before 0.1.10"},
      {"Hdf5", "\x89HDF\r\n\x1a\n", "an HDF5 file"},
      {"Gguf", "GGUF\x03\0\0\0"s, "a GGUF file"},
      {"Onnx", "\x08\x07\x12\x07pytorch", "an ONNX model"},
      {"TfLite", "\x1c\0\0\0TFL3"s, "a TensorFlow Lite model"},
      {"Index", "IwFl\x10\0\0\0"s, "an index of FAISS"},
      {"FlatIndex", "IxF2\x10\0\0\0"s, "an index of FAISS"},
      {"Npy", "\x93NUMPY\x01\0"s, "a NumPy array"},
      {"Wav", "RIFF\x24\0\0\0WAVEfmt "s, "a WAV sound file"},
      {"Gzip", "\x1f\x8b\x08\0"s, "unpack it"},
      {"Pickle", "\x80\x03}.", "a Python pickle that torch.save did not write"},
      {"Binary", "\0\1\2\3\4\5\6\7\x08\x09"s, "10 bytes that begin with '\\x00\\x01"},
      {"Npz", zip({{"arr_0.npy", "x"}}), "a zip file without a data.pkl"},
  };
}

class Stranger : public ::testing::TestWithParam<Hostile> {};
TEST_P(Stranger, IsRefusedByWhatItLooksLike) {
  expect_refused(GetParam());
}
INSTANTIATE_TEST_SUITE_P(, Stranger, ::testing::ValuesIn(strangers()), hostile_name);

TEST(Open, SaysWhyAFileCannotBeOpened) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { open(folder / "missing.pt"); }),
              AllOf(HasSubstr("missing.pt"), HasSubstr("No such file")));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { open(folder / "pipe"); }), HasSubstr("expected a regular file"));
}

TEST(Open, GoesByContentNotByName) {
  const TemporaryFolder folder;
  write_file(folder / "a.safetensors", good_zip());
  write_file(folder / "a.pt", good_safetensors());
  EXPECT_EQ(open(folder / "a.safetensors").container, "torch zip");
  EXPECT_EQ(open(folder / "a.pt").container, "safetensors");
}

TEST(Open, ConfigsBesideAFile) {
  const TemporaryFolder folder;
  write_file(folder / "model.pt", good_zip());
  EXPECT_TRUE(open(folder / "model.pt").hf_config.is_null());
  for (const char* unrelated : {"", "[1]", "{", "not json"}) {
    write_file(folder / "config.json", std::string(unrelated));
    EXPECT_TRUE(open(folder / "model.pt").hf_config.is_null()) << unrelated;
  }
  write_file(folder / "config.json", R"({"a": 1})"s);
  write_file(folder / "preprocessor_config.json", R"({"do_normalize": true})"s);
  EXPECT_EQ(open(folder / "model.pt").hf_config.at("a"), 1);
  EXPECT_EQ(open(folder / "model.pt").hf_preprocessor.at("do_normalize"), true);
}

TEST(Open, DirectoryPrefersSafetensors) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { open(folder.path()); }),
              AllOf(HasSubstr(folder.path().string()), HasSubstr("model.safetensors.index.json"),
                    HasSubstr("none of them")));
  write_file(folder / "pytorch_model.bin", good_zip());
  EXPECT_EQ(open(folder.path()).container, "torch zip");
  write_file(folder / "model.safetensors", good_safetensors());
  EXPECT_EQ(open(folder.path()).container, "safetensors");
  EXPECT_EQ(open(folder.path()).source, (folder / "model.safetensors").string());
}

/// The same cases as for a repository of the hub (tests/hub/resolve_test.cc): it is one rule.
TEST(Open, DirectoryChoosesTheWeights) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"model.fp16.safetensors", "config.json"}, "model.fp16.safetensors"},
      {{"a.safetensors", "pytorch_model.bin"}, "pytorch_model.bin"},
      {{"hubert_base.pt", "other.pt"}, "hubert_base.pt"},
      {{"checkpoint.pt", "._checkpoint.pt"}, "checkpoint.pt"},
      {{"a.safetensors", "b.safetensors", "weights.pth"}, "weights.pth"},
  };
  for (const auto& [files, chosen] : cases) {
    const TemporaryFolder folder;
    for (const std::string& file : files)
      if (!file.ends_with(".json")) write_file(folder / file, good_zip());
    EXPECT_EQ(open(folder.path()).source, (folder / chosen).string());
  }
}

TEST(Open, DirectoryTakesShardsBeforeTorch) {
  const TemporaryFolder folder;
  write_file(folder / "pytorch_model.bin", good_zip());
  write_file(folder / "model.safetensors.index.json", R"({"weight_map": {"x": "missing.safetensors"}})"s);
  EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr("missing.safetensors"));
}

TEST(Open, DirectoryWithLinksToNowhere) {
  const TemporaryFolder folder;
  write_file(folder / "model.safetensors", good_safetensors());
  for (const char* name : {"config.json", "preprocessor_config.json", "processor_config.json"}) {
    for (const char* target : {name, "nothing"}) {
      std::filesystem::create_symlink(target, folder / name);
      EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr((folder / name).string()));
      EXPECT_NO_THROW(open(folder / "model.safetensors"));
      std::filesystem::remove(folder / name);
    }
  }
  std::filesystem::remove(folder / "model.safetensors");
  std::filesystem::create_symlink("model.safetensors", folder / "model.safetensors");
  EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr("model.safetensors"));
}

TEST(Open, DirectoryThatCannotBeListed) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "closed");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::none);
  {
    const WithoutPrivileges as_nobody;
    EXPECT_THAT(error_of([&] { open(folder / "closed"); }), HasSubstr((folder / "closed").string()));
  }
  std::filesystem::permissions(folder / "closed", std::filesystem::perms::owner_all);
}

TEST(Open, DirectoryWithABrokenConfig) {
  const TemporaryFolder folder;
  write_file(folder / "model.safetensors", good_safetensors());
  for (const char* broken : {"", "[1]", "{", "{\"a\":1,\"a\":2}"}) {
    write_file(folder / "config.json", std::string(broken));
    EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr("config.json")) << broken;
  }
}

std::string shard(const std::string& name, float value) {
  return safetensors("{\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                     floats({value}));
}

TEST(Open, Shards) {
  const TemporaryFolder folder;
  write_file(folder / "model.safetensors.index.json",
             R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})"s);
  write_file(folder / "1.safetensors", shard("a", 1));
  EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr("2.safetensors"));
  write_file(folder / "2.safetensors", shard("b", 2));
  write_file(folder / "config.json", R"({"c": 3})"s);
  const auto checkpoint = open(folder.path());
  EXPECT_THAT(read(checkpoint.tensors.at("a")), ElementsAre(1));
  EXPECT_THAT(read(checkpoint.tensors.at("b")), ElementsAre(2));
  EXPECT_EQ(checkpoint.hf_config.at("c"), 3);
  write_file(folder / "2.safetensors", shard("c", 2));
  EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr("expected tensor 'b' in 2.safetensors"));
}

TEST(Open, ShardsStayInTheirDirectory) {
  const TemporaryFolder folder;
  for (const char* name : {"\"../x\"", "\"/etc/passwd\"", "\"a/b\"", "\"..\"", "\".\"", "\"\"", "\"a\\\\b\"",
                           "\"a\\u0000b\"", "1", "null", "[\"x\"]"}) {
    write_file(folder / "pytorch_model.bin.index.json",
               "{\"weight_map\": {\"a\": " + std::string(name) + "}}");
    EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr("plain names of files")) << name;
  }
  for (const char* map : {"{}", R"({"weight_map": {}})", R"({"weight_map": [1]})"}) {
    write_file(folder / "pytorch_model.bin.index.json", std::string(map));
    EXPECT_THAT(error_of([&] { open(folder.path()); }), HasSubstr("\"weight_map\"")) << map;
  }
}

}  // namespace
}  // namespace contentvec::test
