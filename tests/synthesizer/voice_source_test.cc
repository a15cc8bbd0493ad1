// From what people share to a voice and its index.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocations.h"
#include "checkpoint/forge.h"
#include "checkpoint/packed_file.h"
#include "contentvec/retriever.h"
#include "contentvec/voice.h"
#include "golden.h"
#include "hub/hub_server.h"
#include "support.h"
#include "synthesizer/forge_voice.h"

namespace contentvec::synthesizer {
namespace {

namespace fs = std::filesystem;
using test::ForgedVoice;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Optional;

std::string voice_bytes() {
  static const std::string bytes = ForgedVoice().bytes();
  return bytes;
}

std::string index_bytes() {
  return test::text_of(test::data() / "retrieval" / "added.index");
}

void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  test::write_file(path, std::string("x"));
}

std::string complaint_about(const fs::path& spec) {
  return test::error_of([&] { find_voice(spec.string()); });
}

TEST(VoiceSource, AFileIsItself) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "voice.pth", voice_bytes());
  touch(folder / "added_voice.index");
  const VoiceSource source = find_voice((folder / "voice.pth").string());
  EXPECT_EQ(source.voice, (folder / "voice.pth").string());
  EXPECT_EQ(source.index, std::nullopt);
  EXPECT_EQ(find_voice("synthetic:x.json:3").voice, "synthetic:x.json:3");
}

TEST(VoiceSource, AFolderHasOneVoiceAndItsIndex) {
  const test::TemporaryFolder folder;
  for (const char* name : {"trained_IVF9.index", "added_IVF9.index", "notes.txt", "D_100.pth", "G_100.pth",
                           ".hidden.pth", "sub/other.pth"})
    touch(folder / name);
  test::write_file(folder / "singer.pth", voice_bytes());
  const VoiceSource source = find_voice(folder.path().string() + "/");
  EXPECT_EQ(source.voice, (folder / "singer.pth").string());
  EXPECT_THAT(source.index, Optional((folder / "added_IVF9.index").string()));
  EXPECT_EQ(inspect_voice(folder.path().string()).source, source.voice);
}

TEST(VoiceSource, AFolderInside) {
  const test::TemporaryFolder folder;
  touch(folder / "Singer/weights/G_7.PTH");
  touch(folder / "Singer/total_fea.index");
  touch(folder / "__MACOSX/._G_7.pth");
  const VoiceSource source = find_voice(folder.path().string());
  EXPECT_EQ(source.voice, (folder / "Singer/weights/G_7.PTH").string());
  EXPECT_THAT(source.index, Optional((folder / "Singer/total_fea.index").string()));
}

TEST(VoiceSource, SeveralAreListed) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(complaint_about(folder.path()), HasSubstr("there is no voice in it"));
  touch(folder / "a.pth");
  touch(folder / "added_a.index");
  touch(folder / "added_b.index");
  EXPECT_THAT(complaint_about(folder.path()),
              HasSubstr("expected one index beside the voice, found 2: 'added_a.index', 'added_b.index'"));
  touch(folder / "b.safetensors");
  EXPECT_THAT(complaint_about(folder.path()),
              HasSubstr("expected one voice, found 2: 'a.pth', 'b.safetensors'"));
}

TEST(VoiceSource, AZipIsReadAsItIs) {
  const test::TemporaryFolder folder;
  const std::string pack = (folder / "pack.zip").string();
  std::vector<test::ZipEntry> entries = {test::deflated("Singer/singer.pth", voice_bytes()),
                                         test::deflated("Singer/added_x.index", index_bytes())};
  entries.push_back({"Singer/", ""});
  test::write_file(pack, test::zip(entries));
  const VoiceSource source = find_voice(pack);
  EXPECT_EQ(source.voice, pack + "/Singer/singer.pth");
  EXPECT_THAT(source.index, Optional(pack + "/Singer/added_x.index"));
  EXPECT_EQ(find_voice(source.voice).voice, source.voice);
  EXPECT_EQ(inspect_voice(pack).parameters, inspect_voice(source.voice).parameters);
  EXPECT_EQ(inspect_voice(pack).source, source.voice);
  EXPECT_EQ(Retriever::open(*source.index).size(),
            Retriever::open(test::data() / "retrieval" / "added.index").size());
  EXPECT_THAT(test::error_of([&] { inspect_voice(pack + "/no.pth"); }),
              AllOf(HasSubstr("there is no 'no.pth' in " + pack),
                    HasSubstr("; it has 'Singer/added_x.index', 'Singer/singer.pth'")));
  EXPECT_EQ(fs::directory_iterator(folder.path())->path(), pack);
}

TEST(VoiceSource, AZipOfMlxRvcHasItsJson) {
  const fs::path checkpoints = test::oracle_rvc() / "checkpoints";
  if (!fs::exists(checkpoints / "tiny-v2-48k.mlx.safetensors")) GTEST_SKIP() << "it is in ../shared alone";
  const test::TemporaryFolder folder;
  const std::string pack = (folder / "pack.zip").string();
  const auto entry = [&](const char* name) {
    return test::deflated(name, test::text_of(checkpoints / (std::string("tiny-v2-48k.mlx") +
                                                             fs::path(name).extension().string())));
  };
  test::write_file(pack, test::zip({entry("v/x.safetensors"), entry("v/x.json")}));
  EXPECT_EQ(inspect_voice(pack).sample_rate, 48000);
}

TEST(VoiceSource, WhatAZipUnpacksToIsBounded) {
  const test::TemporaryFolder folder;
  // zlib's block of zeros: each byte after its beginning says "258 more" four times.
  constexpr std::string_view kBeginning("\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xf7\x4f\x6d\x0f\x07\x14", 15);
  test::ZipEntry bomb = {"a.pth", std::string(kBeginning) + std::string(300'000, '\0'), 8};
  bomb.unpacked_size = 309'600'000;
  test::write_file(folder / "bomb.zip", test::zip({bomb}));
  test::reset_largest_allocation();
  EXPECT_THAT(test::error_of([&] { inspect_voice((folder / "bomb.zip").string()); }),
              AllOf(HasSubstr("bomb.zip"), HasSubstr("unpacks to more than")));
  EXPECT_LE(test::largest_allocation(), 20'000'000U);
  const std::string zeros(70'000, '\0');
  test::ZipEntry short_of = test::deflated("a.pth", zeros);
  short_of.unpacked_size = 60'000;
  test::write_file(folder / "short.zip", test::zip({short_of}));
  EXPECT_THAT(test::error_of([&] { inspect_voice((folder / "short.zip").string()); }),
              HasSubstr("short.zip"));
}

TEST(VoiceSource, ARepositoryOfTheHub) {
  test::HubServer hub;
  hub.publish("singer/voice", "README.md", "x");
  hub.publish("singer/voice", "model.pth", voice_bytes());
  hub.publish("singer/voice", "logs/added_x.index", index_bytes());
  const VoiceSource source = find_voice("singer/voice");
  EXPECT_THAT(source.voice, HasSubstr("/model.pth"));
  ASSERT_TRUE(source.index);
  EXPECT_EQ(test::text_of(*source.index), index_bytes());
  EXPECT_EQ(inspect_voice("singer/voice").sample_rate, 16000);
  const VoiceSource named = find_voice("singer/voice/model.pth");
  EXPECT_EQ(named.voice, source.voice);
  EXPECT_EQ(named.index, std::nullopt);

  hub.publish("singer/two", "a.pth", voice_bytes());
  hub.publish("singer/two", "b.pth", voice_bytes());
  EXPECT_THAT(complaint_about("singer/two"),
              AllOf(HasSubstr("found 2: 'a.pth', 'b.pth'"), HasSubstr("singer/two/FILE")));
  EXPECT_EQ(inspect_voice("singer/two/b.pth").sample_rate, 16000);
  hub.publish("singer/none", "README.md", "x");
  EXPECT_THAT(complaint_about("singer/none"), HasSubstr("there is no voice in it"));

  hub.stop();
  const VoiceSource again = find_voice("singer/voice");
  EXPECT_EQ(again.voice, source.voice);
  EXPECT_EQ(again.index, source.index);
  ASSERT_EQ(again.warnings.size(), 1U);
  EXPECT_THAT(again.warnings[0], HasSubstr("could not be asked"));
  EXPECT_THAT(inspect_voice("singer/voice").warnings,
              ::testing::ElementsAre(HasSubstr("could not be asked")));
}

TEST(VoiceSource, AZipOnTheHub) {
  test::HubServer hub;
  hub.publish(
      "singer/pack", "singer.zip",
      test::zip({test::deflated("singer.pth", voice_bytes()), test::deflated("x.index", index_bytes())}));
  const VoiceSource source = find_voice("singer/pack");
  EXPECT_THAT(source.voice, HasSubstr("/singer.zip/singer.pth"));
  EXPECT_THAT(source.index, Optional(HasSubstr("/singer.zip/x.index")));
  EXPECT_EQ(find_voice("singer/pack/singer.zip").voice, source.voice);
}

}  // namespace
}  // namespace contentvec::synthesizer
