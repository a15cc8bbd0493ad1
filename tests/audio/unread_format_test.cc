// What is not read is named, with what to do; what would take too much time or memory is refused with the
// limit.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "audio/bytes.h"
#include "contentvec/audio.h"
#include "support.h"

namespace contentvec {
namespace {

using namespace std::string_literals;
using test::error_of;
using test::number;
using test::to_bytes;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

std::string error_for(const std::string& file) {
  return error_of([&] { load_audio(to_bytes(file), "in"); });
}

std::string wav_of(uint64_t tag, uint64_t rate = 16000) {
  const std::string format = number(tag, 2) + number(1, 2) + number(rate, 4) + number(2 * rate, 4) +
                             number(2, 2) + number(16, 2) + number(0, 2);
  const std::string chunks =
      "fmt " + number(18, 4) + format + "data" + number(4000, 4) + std::string(4000, '\1');
  return "RIFF" + number(chunks.size() + 4, 4) + "WAVE" + chunks;
}

TEST(UnreadFormat, InWavIsNamed) {
  const std::vector<std::pair<uint64_t, const char*>> codecs = {
      {0x45, "G.726"}, {0x64, "G.726"}, {0x65, "G.722"},   {0x28f, "G.722"},
      {0xff, "AAC"},   {0x1600, "AAC"}, {0x92, "AC-3"},    {0x2000, "AC-3"},
      {0x2001, "DTS"}, {0x161, "WMA"},  {0x42, "G.723.1"}, {0x7777, "unknown codec"}};
  for (const auto& [tag, name] : codecs) {
    EXPECT_THAT(error_for(wav_of(tag)),
                AllOf(HasSubstr(name), HasSubstr("(format tag 0x"), HasSubstr("`ffmpeg -i")));
  }
  const std::string guid = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"s;
  const std::string format = number(0xfffe, 2) + number(1, 2) + number(16000, 4) + number(32000, 4) +
                             number(2, 2) + number(16, 2) + number(22, 2) + number(16, 2) + number(4, 4) +
                             number(0xff, 2) + guid;
  EXPECT_THAT(error_for("RIFF" + number(60, 4) + "WAVEfmt " + number(40, 4) + format + "data" + number(0, 4)),
              HasSubstr("holds AAC"));
}

TEST(UnreadFormat, IsNamed) {
  const std::vector<std::pair<std::string, const char*>> files = {{"\x0b\x77"s, "AC-3"},
                                                                  {"wvpk"s, "WavPack"},
                                                                  {"MAC "s, "Monkey's Audio"},
                                                                  {"ajkg"s, "Shorten"},
                                                                  {"#!AMR\n"s, "AMR"},
                                                                  {".RMF"s, "RealMedia"},
                                                                  {"FLV\1"s, "Flash video"},
                                                                  {"RIFF\0\0\0\0AVI "s, "AVI"},
                                                                  {"\x30\x26\xb2\x75"s, "WMA"},
                                                                  {"\0\0\0\x1c"
                                                                   "ftypM4A "s,
                                                                   "AAC"},
                                                                  {"MThd"s, "MIDI"}};
  for (const auto& [start, name] : files) {
    EXPECT_THAT(error_for(start + std::string(2000, '\0')), AllOf(HasSubstr(name), HasSubstr("`ffmpeg -i")));
  }
}

TEST(UnreadFormat, ThatIsNoSoundIsNamedWithWhatToDo) {
  const std::vector<std::pair<std::string, const char*>> files = {
      {"\x1f\x8b"s, "a gzip archive, which is no sound; unpack it"},
      {"PK\3\4"s, "a zip archive, which is no sound; unpack it"},
      {"BZh9"s, "a bzip2 archive"},
      {"<html>"s, "a web page (HTML or XML), which is no sound; download the file itself"},
      {"\n<?xml"s, "a web page"},
      {"{\"error\": 1}"s, "JSON text"},
      {"version https://git-lfs.github.com"s, "run git lfs pull"},
      {"\x93NUMPY"s, "a NumPy array, which is no sound; give the recording itself"},
      {"IwFl"s, "an index of FAISS"},
      {number(100, 8) + "{\"a\":"s, "a safetensors file"},
      {"%PDF"s, "a PDF"}};
  for (const auto& [start, text] : files) {
    EXPECT_THAT(error_for(start + std::string(2000, '\0')),
                AllOf(HasSubstr(text), testing::Not(HasSubstr("ffmpeg"))));
  }
}

TEST(UnreadFormat, InSphereAndCafIsNamed) {
  std::string sphere =
      "NIST_1A\n   1024\nsample_count -i 16000\nsample_coding -s26 pcm,embedded-shorten-v2.00\nend_head\n";
  sphere.resize(3000);
  EXPECT_THAT(error_for(sphere), AllOf(HasSubstr("embedded-shorten"), HasSubstr("sph2pipe")));
  const std::string caf =
      "caff\0\1\0\0desc"s + number(32, 8, true) + std::string(8, '\1') + "aac " + std::string(20, '\0');
  EXPECT_THAT(error_for(caf), HasSubstr("holds 'aac '"));
}

TEST(Bounds, OfTheRateAreNamed) {
  for (const uint64_t rate : {1u, 100u, 999u, 1'000'001u}) {
    EXPECT_THAT(error_for(wav_of(1, rate)), HasSubstr("the limits are 1000 to 1000000 Hz"));
  }
  EXPECT_EQ(load_audio(to_bytes(wav_of(1, 1000)), "in").size(), 32'000u);
}

/// VOC's blocks of silence: 8 bytes for four seconds.
TEST(Bounds, OfWhatFewBytesClaimAreNamed) {
  std::string voc = "Creative Voice File\x1a"s + number(26, 2) + number(0x010a, 2) + number(0x1129, 2) +
                    "\1\x0a\0\0\x83\0"s + "12345678";
  for (int i = 0; i < 2000; ++i) voc += "\3\3\0\0\xff\xff\x06"s;
  EXPECT_THAT(error_for(voc), AllOf(HasSubstr("bytes become more than 1.0 hours"), HasSubstr("the limit")));
}

/// What begins as a page every 27 bytes, each of the longest size, would be read 2400 times over.
TEST(Bounds, OfDamagedOggPagesAreNamed) {
  std::string ogg;
  const std::string page = "OggS" + std::string(22, '\0') + "\xff";
  while (ogg.size() < 1'000'000) ogg += page;
  ogg += std::string(70'000, '\xff');
  EXPECT_THAT(error_for(ogg), HasSubstr("too many of its pages are damaged"));
}

TEST(Extensions, AreOfWhatIsRead) {
  const auto all = audio_extensions();
  for (const char* wanted : {".wav", ".oga", ".aifc", ".mp2", ".wave", ".snd", ".opus", ".bw64"}) {
    EXPECT_THAT(all, Contains(std::string_view(wanted)));
  }
  for (const char* not_wanted : {".m4a", ".aac", ".wma", ".txt"}) {
    EXPECT_EQ(std::find(all.begin(), all.end(), not_wanted), all.end()) << not_wanted;
  }
}

}  // namespace
}  // namespace contentvec
