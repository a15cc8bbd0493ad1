// Files that are cut short, damaged, hostile, or no audio at all: an Error that says so, soon and in little
// memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>
#include <string>
#include <vector>

#include "audio/wav.h"
#include "child.h"
#include "contentvec/audio.h"
#include "contentvec/error.h"
#include "support.h"

namespace contentvec {
namespace {

using test::error_of;
using test::wav;
using testing::AllOf;
using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

Bytes audio_file(const std::string& name) {
  return test::read_file(test::data() / "audio" / name);
}

Bytes bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

std::string error_for(const Bytes& file) {
  return error_of([&] { load_audio(file, "in"); });
}

Bytes first_part(Bytes file, double share) {
  file.resize(static_cast<size_t>(static_cast<double>(file.size()) * share));
  return file;
}

/// speech.flac with another number of samples in its header: 36 bits, the last of them at byte 25.
Bytes flac_claiming(uint64_t samples) {
  Bytes file = audio_file("speech.flac");
  for (size_t i = 0; i < 4; ++i) file[25 - i] = static_cast<std::byte>(samples >> (8 * i));
  file[21] = (file[21] & std::byte{0xf0}) | static_cast<std::byte>(samples >> 32);
  return file;
}

TEST(CutShort, FlacNamesTheFrames) {
  EXPECT_THAT(error_for(first_part(audio_file("speech.flac"), 0.6)),
              AllOf(HasSubstr("'in': decoding stopped after "), HasSubstr(" of 112168 frames"),
                    HasSubstr("cut short")));
}

TEST(CutShort, Mp3NamesTheFrames) {
  EXPECT_THAT(
      error_for(first_part(audio_file("mp3_stereo_44100.mp3"), 0.6)),
      AllOf(HasSubstr("decoding stopped after "), HasSubstr(" of 13230 frames"), HasSubstr("cut short")));
}

TEST(CutShort, OggMissesItsLastPage) {
  Bytes file = audio_file("vorbis_stereo_48000.ogg");
  file.pop_back();
  EXPECT_THAT(error_for(file),
              AllOf(HasSubstr("decoding stopped after "), HasSubstr("its last page is missing")));
  EXPECT_THAT(error_for(first_part(audio_file("opus_mono_48000.opus"), 0.6)), HasSubstr("'in': "));
}

TEST(CutShort, EveryLengthOfEveryFormatGivesSamplesOrAnError) {
  for (const char* name :
       {"pcm24_mono_22050.flac", "mp3_stereo_44100.mp3", "vorbis_stereo_48000.ogg", "opus_mono_48000.opus",
        "pcm16_mono_24000.aiff", "pcm16_mono_32000.w64", "double_mono_48000.rf64", "pcm16_5.1_48000.wav"}) {
    const Bytes whole = audio_file(name);
    for (size_t size = 1; size < whole.size(); size += size < 256 ? 7 : 997) {
      try {
        EXPECT_FALSE(load_audio(std::span(whole).first(size), name).empty());
      } catch (const Error&) {
      }
    }
  }
}

TEST(Damaged, RandomBytesInEveryFormatGiveSamplesOrAnError) {
  std::mt19937 random(11);
  for (const char* name :
       {"pcm24_mono_22050.flac", "mp3_stereo_44100.mp3", "vorbis_stereo_48000.ogg", "opus_mono_48000.opus",
        "pcm16_mono_24000.aiff", "pcm16_mono_32000.w64", "double_mono_48000.rf64", "pcm16_5.1_48000.wav"}) {
    for (int trial = 0; trial < 30; ++trial) {
      Bytes file = audio_file(name);
      const size_t reach = trial % 2 == 0 ? 200 : file.size();  // every other time the header
      for (int i = 0; i < 5; ++i) file[random() % reach] = static_cast<std::byte>(random());
      try {
        EXPECT_FALSE(load_audio(file, name).empty());
      } catch (const Error&) {
      }
    }
  }
}

// A channel, bit or rate count of nothing: once a division by zero.
TEST(Damaged, FieldsOfZerosOrOnesInEveryHeaderGiveSamplesOrAnError) {
  for (const char* name : {"pcm24_mono_22050.flac", "mp3_stereo_44100.mp3", "opus_mono_48000.opus",
                           "pcm16_mono_24000.aiff", "pcm16_mono_32000.w64", "pcm16_mono_8000.wav"}) {
    const Bytes whole = audio_file(name);
    for (const int width : {2, 4}) {
      for (const std::byte value : {std::byte{0}, std::byte{0xff}}) {
        for (size_t at = 0; at < 64; ++at) {
          Bytes file = whole;
          std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), width, value);
          try {
            load_audio(file, name);
          } catch (const Error&) {
          }
        }
      }
    }
  }
}

TEST(Damaged, FlacNamesTheFrames) {
  Bytes file = audio_file("speech.flac");
  for (size_t i = file.size() / 2; i < file.size() / 2 + 300; ++i) file[i] ^= std::byte{0x5a};
  EXPECT_THAT(error_for(file), HasSubstr(" of 112168 frames"));
}

TEST(NotAudio, SaysWhatIsRead) {
  const std::string readable = "expected wav, w64, rf64, aiff, au, caf, flac, ogg (vorbis, opus) or mp3";
  EXPECT_THAT(error_for(bytes("Content features say what is said.\n")), HasSubstr(readable));
  EXPECT_THAT(error_for(Bytes(5000)), HasSubstr(readable));
  Bytes garbage(8000);
  std::mt19937 random(3);
  for (std::byte& byte : garbage) byte = static_cast<std::byte>(random());
  const std::string_view mp3 = "\xff\xfb\x90\x64";
  std::copy_n(std::as_bytes(std::span(mp3)).begin(), mp3.size(), garbage.begin());
  EXPECT_THAT(error_for(garbage), HasSubstr("'in': "));
}

TEST(NotAudio, NamesFormatsToConvert) {
  using namespace std::string_view_literals;
  EXPECT_THAT(error_for(bytes("\0\0\0\x20"
                              "ftypM4A \0\0\0\0"sv)),
              AllOf(HasSubstr("this is MP4, M4A or MOV"), HasSubstr("`ffmpeg -i in.xyz out.wav`")));
  EXPECT_THAT(error_for(bytes("\x1A\x45\xDF\xA3 matroska"sv)), HasSubstr("WebM or Matroska"));
  EXPECT_THAT(error_for(bytes("\xFF\xF1\x50\x80 adts"sv)), HasSubstr("this is AAC"));
  EXPECT_THAT(error_for(bytes("\x30\x26\xB2\x75\x8E"sv)), HasSubstr("this is WMA"));
  EXPECT_THAT(error_for(bytes("ftyp"sv)), HasSubstr("its format is not recognised"));
}

TEST(Header, OfAStreamedWavGivesTheSamplesThereAre) {
  const std::vector<float> samples = {0.5f, -0.25f, 0.125f};
  for (const uint32_t claimed : {0xffffffffu, 0x7fffffffu, 0x80000000u, 1000u}) {
    EXPECT_EQ(load_audio(wav(16000, 1, samples, claimed), "stream"), samples) << claimed;
  }
}

TEST(Header, OfAStreamedFlacGivesTheSamplesThereAre) {
  EXPECT_EQ(load_audio(flac_claiming(0), "stream"), load_audio(audio_file("speech.flac"), "speech"));
}

/// The MP3 file from its first frame of a bit rate (the third byte) on: without the very first frame, which
/// holds nothing but the length, libsndfile takes the length from this bit rate.
Bytes mp3_from_frame(char bit_rate) {
  Bytes file = audio_file("mp3_stereo_44100.mp3");
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const size_t start = text.find(std::string("\xff\xfb") + bit_rate, 100);
  EXPECT_NE(start, std::string_view::npos) << "the file was made anew: look for bit rates that are in it";
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(start));
  return file;
}

TEST(Header, GuessedTooShortForAnMp3IsReplaced) {
  const Bytes whole = audio_file("mp3_stereo_44100.mp3");
  const Bytes file = mp3_from_frame('\xe0');
  // What is missing at the front are frames of 1152 samples each, and of at most 1044 bytes.
  const double missing = static_cast<double>(whole.size() - file.size()) / 1044 * 1152 * 16000 / 44100;
  const auto samples = static_cast<double>(load_audio(file, "in").size());
  EXPECT_LT(samples, static_cast<double>(load_audio(whole, "whole").size()) - missing + 1152);
  EXPECT_GT(samples, 3000);
}

TEST(Header, GuessedTooLongForAnMp3IsNoError) {
  EXPECT_GT(load_audio(mp3_from_frame('\x90'), "in").size(), 3000u);
}

TEST(Header, OfTheFirstOfTwoMp3FilesIsNotThatOfBoth) {
  const Bytes once = audio_file("mp3_stereo_44100.mp3");
  Bytes twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(load_audio(twice, "twice").size(), 2 * load_audio(once, "once").size());
}

TEST(Header, OfAnMp3MayBeFollowedByTags) {
  Bytes file = audio_file("mp3_stereo_44100.mp3");
  const Bytes untagged = file;
  const Bytes tag = bytes("TAGtitle");
  file.insert(file.end(), tag.begin(), tag.end());
  file.resize(untagged.size() + 128);
  EXPECT_EQ(load_audio(file, "tagged"), load_audio(untagged, "untagged"));
}

/// 2^36 samples, 256 GiB as floats, are never allocated on the header's word.
TEST(Header, ThatClaimsTooMuchCostsNoMemory) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer's memory cannot be limited";
  const auto under_a_limit = [](const Bytes& file, bool may_load) {
    return test::run_in_child([&] {
      const rlimit limit{size_t{256} << 20, size_t{256} << 20};
      if (::setrlimit(RLIMIT_AS, &limit) != 0) return 77;
      try {
        return load_audio(file, "in").size() == 3 && may_load ? 0 : 1;
      } catch (const Error& error) {
        const bool names_both =
            std::string_view(error.what()).find("of 68719476735 frames") != std::string_view::npos;
        return !may_load && names_both ? 0 : 2;
      }
    });
  };
  const std::vector<float> samples = {0.5f, -0.25f, 0.125f};
  EXPECT_EQ(under_a_limit(wav(16000, 1, samples, 0xfffffff0u), true), 0);
  EXPECT_EQ(under_a_limit(flac_claiming((uint64_t{1} << 36) - 1), false), 0);
}

}  // namespace
}  // namespace contentvec
