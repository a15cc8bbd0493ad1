// Files that are several, or have something around or between what can be heard: all that can be is decoded.

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
using test::decoded;
using test::error_of;
using test::number;
using test::to_bytes;
using test::to_text;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string file(const std::string& name) {
  return to_text(test::read_file(test::data() / "audio" / name));
}

std::vector<float> waveform(const std::string& text) {
  return load_audio(to_bytes(text), "in");
}

/// An ID3v2 tag of 3000 bytes, with a footer behind it if wanted.
std::string id3(bool footer = false) {
  const std::string rest = "\4\0"s + (footer ? "\x10"s : "\0"s) + "\0\0\x17\x38"s;
  return "ID3" + rest + std::string(3000, 'x') + (footer ? "3DI" + rest : "");
}

std::string ape() {
  const std::string content(60'000, '\xff');
  const auto header = [&](uint64_t flags) {
    return "APETAGEX" + number(2000, 4) + number(content.size() + 32, 4) + number(1, 4) + number(flags, 4) +
           std::string(8, '\0');
  };
  return header(0xa0000000) + content + header(0x80000000);
}

TEST(Joined, FilesOfEveryCompressedFormatAreHeardToTheEnd) {
  for (const char* name :
       {"pcm24_mono_22050.flac", "vorbis_stereo_48000.ogg", "opus_mono_48000.opus", "mp3_stereo_44100.mp3"}) {
    const auto once = waveform(file(name));
    const Audio twice = decoded(file(name) + file(name));
    EXPECT_EQ(twice.waveform.size(), 2 * once.size()) << name;
    EXPECT_TRUE(std::equal(once.begin(), once.begin() + 2000, twice.waveform.begin())) << name;
    EXPECT_THAT(twice.warnings, IsEmpty()) << name;
  }
}

TEST(Joined, FilesMayDifferInRateAndCodec) {
  const std::string first = file("vorbis_stereo_48000.ogg"), second = file("opus_mono_48000.opus");
  EXPECT_EQ(waveform(first + second).size(), waveform(first).size() + waveform(second).size());
  const std::string speech = file("speech.flac"), noise = file("pcm24_mono_22050.flac");
  EXPECT_NEAR(double(waveform(speech + noise).size()),
              double(waveform(speech).size() + waveform(noise).size()), 1);
}

TEST(Joined, OggThatLosesAPageInTheMiddleSaysSo) {
  const std::string whole = file("vorbis_stereo_48000.ogg");
  const Audio audio = decoded(whole.substr(0, whole.size() - 100) + whole);
  EXPECT_THAT(audio.warnings, ElementsAre(HasSubstr("recording 1 of those joined"), HasSubstr("damaged")));
  EXPECT_GT(audio.waveform.size(), waveform(whole).size());
}

TEST(Joined, FilesAreLimited) {
  std::string many;
  std::string start = file("speech.flac").substr(0, 42);
  start[4] = static_cast<char>(start[4] | 0x80);  // the last of its metadata
  for (int i = 0; i < 4097; ++i) many += start;
  EXPECT_THAT(error_of([&] { waveform(many); }), HasSubstr("more than 4096 recordings"));
}

TEST(Tags, AroundAFileAreNoSound) {
  for (const char* name :
       {"speech.flac", "vorbis_stereo_48000.ogg", "opus_mono_48000.opus", "mp3_stereo_44100.mp3"}) {
    const std::string whole = file(name);
    const auto expected = waveform(whole);
    EXPECT_EQ(waveform(id3() + whole), expected) << name;
    EXPECT_EQ(waveform(id3(true) + whole), expected) << name;
    EXPECT_EQ(waveform(whole + id3(true)), expected) << name;
    EXPECT_EQ(waveform(whole + ape()), expected) << name;
    EXPECT_EQ(waveform(whole + ape() + "TAG" + std::string(125, '\xff')), expected) << name;
    EXPECT_EQ(waveform(id3() + whole + id3() + whole), waveform(whole + whole)) << name;
  }
}

TEST(Mp3, MayBeginAnywhereAndEndInAnything) {
  const std::string whole = file("mp3_stereo_44100.mp3");
  const auto expected = waveform(whole);
  std::string junk;
  for (uint32_t i = 0, x = 1; i < 5000; ++i, x = x * 1664525 + 1013904223) junk += static_cast<char>(x >> 24);
  EXPECT_EQ(waveform(junk + whole), expected);
  EXPECT_EQ(waveform(whole + std::string(100'000, '\0')), expected);
  EXPECT_EQ(waveform(whole + std::string(50'000, '\xff')), expected);
  EXPECT_EQ(waveform(whole + id3()), expected);
  const Audio middle = decoded("HTTP/1.0 200 OK\r\nicy-name: x\r\n\r\n" + whole.substr(3000));
  EXPECT_GT(middle.waveform.size(), expected.size() / 2);
  EXPECT_LT(middle.waveform.size(), expected.size());
}

/// A WAV file of MP3 frames, whose header says that so many bytes of them follow.
std::string mp3_in_wav(const std::string& mp3, size_t claimed) {
  const std::string format = number(0x55, 2) + number(2, 2) + number(44100, 4) + number(16000, 4) +
                             number(1, 2) + number(0, 2) + number(12, 2) + number(1, 2) + number(2, 4) +
                             number(417, 2) + number(1, 2) + number(1393, 2);
  return "RIFF" + number(36 + format.size() + mp3.size(), 4) + "WAVEfmt " + number(format.size(), 4) +
         format + "data" + number(claimed, 4) + mp3;
}

TEST(Mp3, InWavIsDecoded) {
  const std::string mp3 = file("mp3_stereo_44100.mp3");
  const Audio audio = decoded(mp3_in_wav(mp3, mp3.size()));
  EXPECT_EQ(audio.waveform, waveform(mp3));
  EXPECT_THAT(audio.warnings, IsEmpty());
}

TEST(Mp3, InWavOfAnotherLengthIsWarnedOf) {
  const std::string mp3 = file("mp3_stereo_44100.mp3");
  const std::string header = std::to_string(mp3.size() + 5000), there = std::to_string(mp3.size());
  EXPECT_THAT(decoded(mp3_in_wav(mp3, mp3.size() + 5000)).warnings,
              ElementsAre(AllOf(HasSubstr(header + " bytes"), HasSubstr(there + " are there"),
                                HasSubstr("cut short"))));
  const Audio more = decoded(mp3_in_wav(mp3, mp3.size() / 2));
  EXPECT_EQ(more.waveform, waveform(mp3));
  EXPECT_THAT(more.warnings, ElementsAre(HasSubstr("out of date")));
}

TEST(Flac, WhoseHeaderClaimsFewerSamplesIsHeardToTheEnd) {
  std::string speech = file("speech.flac");
  const auto expected = waveform(speech);
  for (const uint64_t claimed : {1u, 4096u, 50'000u, 112'167u}) {
    std::string fewer = speech;
    fewer.replace(22, 4, number(claimed, 4, true));
    EXPECT_EQ(waveform(fewer), expected) << claimed;
  }
}

TEST(Flac, OfADepthThatIsNotReadIsNamed) {
  std::string deep = file("speech.flac");
  deep[20] = static_cast<char>(deep[20] | 1);  // 32 bits: 31 in five bits, across two bytes
  deep[21] = static_cast<char>(deep[21] | 0xf0);
  EXPECT_THAT(error_of([&] { waveform(deep); }), HasSubstr("a FLAC file of 32 bits a sample"));
}

uint32_t ogg_checksum(const std::string& page) {
  uint32_t crc = 0;
  for (const char byte : page) {
    crc ^= static_cast<uint32_t>(static_cast<unsigned char>(byte)) << 24;
    for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x80000000u) != 0 ? 0x04c11db7u : 0);
  }
  return crc;
}

/// A page of whole packets of at most 254 bytes each, or of a part of one.
std::string page(uint64_t flags, uint64_t serial, uint64_t index, const std::string& content,
                 bool ends = true) {
  std::string sizes(content.size() / 255, '\xff');
  if (ends) sizes += static_cast<char>(content.size() % 255);
  std::string text = "OggS\0"s + number(flags, 1) + number(0, 8) + number(serial, 4) + number(index, 4) +
                     number(0, 4) + number(sizes.size(), 1) + sizes + content;
  return text.replace(22, 4, number(ogg_checksum(text), 4));
}

TEST(Ogg, WithFlacInItIsDecoded) {
  const std::string flac = file("speech.flac");
  // The first packet ends with STREAMINFO; how the rest is cut into packets does not matter here.
  std::string ogg = page(2, 7, 0,
                         "\x7f"
                         "FLAC\1\0\0\1"s +
                             flac.substr(0, 42));
  constexpr size_t kPart = 255 * 200;
  uint64_t index = 1;
  for (size_t at = 42; at < flac.size(); at += kPart) {
    const bool last = at + kPart >= flac.size();
    ogg += page(last ? 4 : 0, 7, index++, flac.substr(at, kPart), last);
  }
  EXPECT_EQ(waveform(ogg), waveform(flac));
}

TEST(Ogg, WithVideoBesideTheSoundIsDecoded) {
  const std::string sound = file("vorbis_stereo_48000.ogg");
  const size_t second = sound.find("OggS", 1);
  const std::string video = page(2, 99, 0, "\x80theora" + std::string(40, '\0'));
  const std::string frames = page(4, 99, 1, std::string(200, 'v'));
  EXPECT_EQ(waveform(video + sound.substr(0, second) + frames + sound.substr(second)), waveform(sound));
}

TEST(Ogg, CutWithinItsHeaderSaysSo) {
  const std::string sound = file("vorbis_stereo_48000.ogg");
  const size_t second = sound.find("OggS", 1);
  EXPECT_THAT(error_of([&] { waveform(sound.substr(0, second)); }), HasSubstr("it ends within its header"));
  EXPECT_THAT(error_of([&] { waveform(sound.substr(0, second + 500)); }),
              HasSubstr("it ends within its header"));
  std::string without = sound;
  without[second + 100] = static_cast<char>(without[second + 100] ^ 1);
  EXPECT_THAT(error_of([&] { waveform(without); }), HasSubstr("its header is damaged"));
  std::string damaged = sound;
  damaged[40] = static_cast<char>(damaged[40] ^ 1);
  EXPECT_THAT(error_of([&] { waveform(damaged); }), HasSubstr("its first page is damaged"));
}

TEST(Ogg, CutBehindItsHeaderSaysSo) {
  for (const char* name : {"vorbis_stereo_48000.ogg", "opus_mono_48000.opus"}) {
    const std::string sound = file(name);
    const size_t second = sound.find("OggS", 1), third = sound.find("OggS", second + 1);
    const std::string header = sound.substr(0, third);
    EXPECT_THAT(error_of([&] { waveform(header); }), HasSubstr("ends before its first sound")) << name;
    EXPECT_THAT(error_of([&] { waveform(sound + header); }), HasSubstr("ends before its first sound"))
        << name;
    const Audio behind = decoded(header + sound);
    EXPECT_EQ(behind.waveform, waveform(sound)) << name;
    EXPECT_THAT(behind.warnings, ElementsAre(HasSubstr("ends before its first sound"))) << name;
  }
}

TEST(Ogg, WithoutSoundThatIsReadNamesWhatThereIs) {
  EXPECT_THAT(
      error_of([] { waveform(page(2, 9, 0, "\x80theora" + std::string(40, '\0')) + page(4, 9, 1, "x")); }),
      HasSubstr("holds Theora video, and no Vorbis, Opus or FLAC"));
  EXPECT_THAT(error_of([] { waveform(page(2, 9, 0, "OVP80" + std::string(40, '\0'))); }),
              HasSubstr("VP8 video"));
  EXPECT_THAT(error_of([] { waveform(page(2, 9, 0, "Speex   " + std::string(72, '\0'))); }),
              HasSubstr("holds Speex"));
}

}  // namespace
}  // namespace contentvec
