// Headers that say something else than what is there: all of it is taken, with a warning where no program
// that streams would write such a header.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "audio/bytes.h"
#include "audio/contents.h"
#include "audio/decoder.h"
#include "contentvec/audio.h"
#include "support.h"

namespace contentvec {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using test::decoded;
using test::error_of;
using test::number;
using test::to_bytes;
using test::to_text;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kFrames = 1000;

int16_t sample(size_t t) {
  return static_cast<int16_t>(8000 * std::sin(0.05 * static_cast<double>(t)) + static_cast<double>(t % 7));
}

std::string pcm16(bool big_endian = false, size_t channels = 1) {
  std::string text;
  for (size_t t = 0; t < kFrames; ++t) {
    for (size_t c = 0; c < channels; ++c) text += number(static_cast<uint16_t>(sample(t)), 2, big_endian);
  }
  return text;
}

std::vector<float> all_samples() {
  std::vector<float> samples(kFrames);
  for (size_t t = 0; t < kFrames; ++t) samples[t] = static_cast<float>(sample(t)) / 32768;
  return samples;
}

std::string chunk(std::string_view name, std::string_view content, bool big_endian = false) {
  return std::string(name) + number(content.size(), 4, big_endian) + std::string(content) +
         std::string(content.size() % 2, '\0');
}

std::string format(uint64_t tag, uint64_t channels, uint64_t bits, bool big_endian = false) {
  const auto field = [&](uint64_t value, size_t bytes) { return number(value, bytes, big_endian); };
  return field(tag, 2) + field(channels, 2) + field(16000, 4) + field(16000 * channels * bits / 8, 4) +
         field(channels * bits / 8, 2) + field(bits, 2);
}

std::string riff(const std::string& chunks, std::string_view name = "RIFF", bool big_endian = false) {
  return std::string(name) + number(4 + chunks.size(), 4, big_endian) + "WAVE" + chunks;
}

/// A WAV file whose header says that so many bytes of samples follow.
std::string wav_claiming(uint64_t size, const std::string& samples = pcm16(),
                         const std::string& behind = {}) {
  return riff(chunk("fmt ", format(1, 1, 16)) + "data" + number(size, 4) + samples + behind);
}

std::string w64_claiming(uint64_t size) {
  const std::string rest = "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"s;
  return "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"s + number(104 + pcm16().size(), 8) + "wave" +
         rest + "fmt " + rest + number(40, 8) + format(1, 1, 16) + "data" + rest + number(size, 8) + pcm16();
}

std::string rf64_claiming(uint64_t size, std::string_view name = "RF64") {
  return std::string(name) + number(0xffffffff, 4) + "WAVE" +
         chunk("ds64", number(0, 8) + number(size, 8) + number(size / 2, 8) + number(0, 4)) +
         chunk("fmt ", format(1, 1, 16)) + "data" + number(0xffffffff, 4) + pcm16();
}

std::string aiff_claiming(uint64_t size, uint64_t frames) {
  const std::string rate = "\x40\x0c\xfa\x00\x00\x00\x00\x00\x00\x00"s;  // 16000 in 80 bits
  const std::string common = number(1, 2, true) + number(frames, 4, true) + number(16, 2, true) + rate;
  const std::string chunks = "AIFF" + chunk("COMM", common, true) + "SSND" + number(size, 4, true) +
                             std::string(8, '\0') + pcm16(true);
  return "FORM" + number(chunks.size(), 4, true) + chunks;
}

std::string au_claiming(uint64_t size) {
  std::string file = ".snd";
  for (const uint64_t field : {uint64_t{24}, size, uint64_t{3}, uint64_t{16000}, uint64_t{1}}) {
    file += number(field, 4, true);
  }
  return file + pcm16(true);
}

std::string caf_claiming(uint64_t size) {
  const std::string rate = "\x40\xcf\x40\x00\x00\x00\x00\x00"s;  // 16000 as a double
  return "caff\0\1\0\0desc"s + number(32, 8, true) + rate + "lpcm" + number(0, 4) + number(2, 4, true) +
         number(1, 4, true) + number(1, 4, true) + number(16, 4, true) + "data" + number(size, 8, true) +
         number(0, 4) + pcm16(true);
}

void expect_all(const std::string& file, size_t warnings, const char* what) {
  const Audio audio = decoded(file);
  EXPECT_EQ(audio.waveform, all_samples()) << what;
  EXPECT_EQ(audio.warnings.size(), warnings) << what;
}

TEST(WrongLength, OfACutFileIsWarnedOfWithBothLengths) {
  const std::vector<std::pair<const char*, std::string>> files = {
      {"wav", wav_claiming(pcm16().size())},
      {"w64", w64_claiming(24 + pcm16().size())},
      {"rf64", rf64_claiming(pcm16().size())},
      {"bw64", rf64_claiming(pcm16().size(), "BW64")},
      {"aiff", aiff_claiming(8 + pcm16().size(), kFrames)},
      {"au", au_claiming(pcm16().size())},
      {"caf", caf_claiming(4 + pcm16().size())},
  };
  const auto all = all_samples();
  const std::vector<float> half(all.begin(), all.begin() + 500);
  for (const auto& [name, file] : files) {
    EXPECT_THAT(decoded(file).warnings, IsEmpty()) << name;
    EXPECT_EQ(decoded(file).waveform, all) << name;
    const Audio cut = decoded(file.substr(0, file.size() - 1000));
    EXPECT_EQ(cut.waveform, half) << name;
    EXPECT_THAT(cut.warnings, ElementsAre(AllOf(HasSubstr("promises 1000 samples (0.06 s)"),
                                                HasSubstr("500 samples (0.03 s) are there"))))
        << name;
  }
}

TEST(WrongLength, ThatIsTooSmallHidesNothing) {
  expect_all(wav_claiming(200), 1, "wav");
  expect_all(riff(chunk("fmt ", format(1, 1, 16, true), true) + "data" + number(200, 4, true) + pcm16(true),
                  "RIFX", true),
             1, "rifx");
  expect_all(w64_claiming(224), 1, "w64");
  expect_all(rf64_claiming(200), 1, "rf64");
  expect_all(rf64_claiming(200, "BW64"), 1, "bw64");
  expect_all(aiff_claiming(208, 100), 1, "aiff");
  expect_all(aiff_claiming(8 + pcm16().size(), 100), 1, "aiff, the number of frames alone");
  expect_all(au_claiming(200), 1, "au");
  expect_all(caf_claiming(204), 1, "caf");
  EXPECT_THAT(
      decoded(wav_claiming(200)).warnings,
      ElementsAre(AllOf(HasSubstr("promises 100 samples"), HasSubstr("1000 samples (0.06 s) are there"))));
}

TEST(WrongLength, OfAProgramThatStreamsIsNoneAtAll) {
  for (const uint64_t size : {0u, 0xffffffffu, 0x7fffffffu, 0x80000000u, 0x7ffff000u, 0xffffffdbu}) {
    expect_all(wav_claiming(size), 0, "wav");
    expect_all(au_claiming(size), 0, "au");
  }
  for (const uint64_t size : {uint64_t{0}, uint64_t{24}, ~uint64_t{0}})
    expect_all(w64_claiming(size), 0, "w64");
  for (const uint64_t size : {uint64_t{0}, ~uint64_t{0}}) {
    expect_all(rf64_claiming(size), 0, "rf64");
    expect_all(caf_claiming(size), 0, "caf");
  }
  expect_all(aiff_claiming(0, 0), 0, "aiff");
}

TEST(WrongLength, IsNotWhatStandsBehindTheSamples) {
  const std::string tag = "TAG" + std::string(125, 'x');
  const std::string list = chunk("LIST", "INFOISFT\4\0\0\0abcd"sv);
  for (const std::string& behind : {list, list.substr(0, 15), tag, std::string(3000, '\0')}) {
    expect_all(wav_claiming(pcm16().size(), pcm16(), behind), 0, behind.c_str());
  }
  EXPECT_THAT(error_of([&] { decoded(wav_claiming(0, {}, list)); }), HasSubstr("the file has no samples"));
}

TEST(WrongLength, OfBlocksCountsTheirSamples) {
  // IMA ADPCM: blocks of 256 bytes and 505 samples.
  const std::string fmt = number(0x11, 2) + number(1, 2) + number(16000, 4) + number(8110, 4) +
                          number(256, 2) + number(4, 2) + number(2, 2) + number(505, 2);
  std::string blocks;
  for (int i = 0; i < 4; ++i) blocks += std::string(4, '\0') + std::string(252, '\x35');
  const std::string file = riff(chunk("fmt ", fmt) + chunk("fact", number(2020, 4)) + chunk("data", blocks));
  EXPECT_THAT(decoded(file).warnings, IsEmpty());
  EXPECT_EQ(decoded(file).waveform.size(), 2020u);
  const Audio cut = decoded(file.substr(0, file.size() - 512));
  EXPECT_EQ(cut.waveform.size(), 1010u);
  EXPECT_THAT(cut.warnings,
              ElementsAre(AllOf(HasSubstr("promises 2020 samples"), HasSubstr("1010 samples"))));
}

TEST(Chunks, OfAnyKindAndOrderMayComeBeforeTheSamples) {
  const std::string fmt = chunk("fmt ", format(1, 1, 16)), data = chunk("data", pcm16());
  expect_all(riff(chunk("JUNK", std::string(28, '\0')) + chunk("LIST", "INFO") +
                  chunk("bext", std::string(601, 'x')) + fmt + data),
             0, "before fmt");
  expect_all(riff("LIST" + number(5, 4) + "INFOx" + fmt + data), 0,
             "an odd one without the byte that fills it up");
  expect_all("ID3\3\0\0\0\0\0\x0aTIT2------"s + riff(fmt + data), 0, "an ID3 tag before all");
  const std::string guid = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"s;
  const std::string eight = pcm16(false, 8);
  const std::string extensible =
      format(0xfffe, 8, 16) + number(22, 2) + number(16, 2) + number(0xff, 4) + number(1, 2) + guid;
  expect_all(riff(chunk("fmt ", extensible) + "data" + number(1600, 4) + eight), 1, "extensible, 8 channels");
}

TEST(Chunks, OfVocAreNoSamples) {
  std::string u8;
  for (size_t t = 0; t < 800; ++t) u8 += static_cast<char>(128 + sample(t) / 256);
  const auto sound = [](const std::string& samples) {
    return "\1" + number(samples.size() + 2, 3) + "\x83\0"s + samples;  // 8000 Hz
  };
  const std::string start =
      "Creative Voice File\x1a"s + number(26, 2) + number(0x010a, 2) + number(0x1129, 2);
  const Audio one = decoded(start + sound(u8) + "\0"s);
  const std::string more = "\2" + number(400, 3) + u8.substr(400);
  const std::string marker = "\4\2\0\0\1\0\5\4\0\0abc\0"s;
  const Audio three = decoded(start + sound(u8.substr(0, 400)) + marker + more + "\0"s);
  EXPECT_EQ(one.waveform.size(), 1600u);
  EXPECT_EQ(three.waveform, one.waveform);
  const std::string silence = "\3\3\0\0\x8f\1\x83"s;  // 400 samples
  EXPECT_EQ(decoded(start + sound(u8) + silence + "\0"s).waveform.size(), 2400u);
  EXPECT_THAT(decoded(start + sound(u8)).warnings, IsEmpty());
  EXPECT_THAT(decoded((start + sound(u8)).substr(0, 426)).warnings,
              ElementsAre(HasSubstr("promises 800 samples")));
  EXPECT_THAT(error_of([&] { decoded(start + "\1" + number(402, 3) + "\x83\1"s + u8.substr(0, 400)); }),
              HasSubstr("Creative's ADPCM"));
}

TEST(Chunks, OfOneFileBehindAnotherAreHeardToo) {
  const std::string one = wav_claiming(pcm16().size());
  auto twice = all_samples();
  twice.insert(twice.end(), twice.begin(), twice.begin() + kFrames);
  EXPECT_EQ(decoded(one + one).waveform, twice);
  EXPECT_THAT(decoded(one + one).warnings, IsEmpty());
  EXPECT_EQ(decoded(wav_claiming(pcm16().size(), pcm16(), chunk("LIST", "INFO")) + one).waveform, twice);
  EXPECT_THAT(
      decoded(wav_claiming(pcm16().size(), pcm16(), chunk("data", pcm16()))).warnings,
      ElementsAre(AllOf(HasSubstr("several data chunks"), HasSubstr("2000 bytes"), HasSubstr("have 2000"))));
}

TEST(Chunks, OfAnotherFileThatIsNotHeardAreWarnedOf) {
  for (const std::string& one : {aiff_claiming(8 + pcm16().size(), kFrames), caf_claiming(4 + pcm16().size()),
                                 w64_claiming(24 + pcm16().size())}) {
    EXPECT_EQ(decoded(one + one).waveform, all_samples());
    EXPECT_THAT(decoded(one + one).warnings, ElementsAre(HasSubstr("another file is joined to it")));
  }
}

/// A header, zeros, and the end of a file that is too large to be made here.
class LargeFile : public audio::ByteSource {
 public:
  LargeFile(std::string head, int64_t samples, std::string tail)
      : head_(std::move(head)), tail_(std::move(tail)), tail_at_(int64_t(head_.size()) + samples) {}
  [[nodiscard]] int64_t size() const noexcept override { return tail_at_ + int64_t(tail_.size()); }
  size_t read(int64_t offset, std::span<std::byte> into) noexcept override {
    size_t done = 0;
    for (; done < into.size() && offset < size(); ++done, ++offset) {
      const bool in_head = offset < int64_t(head_.size());
      const char value = in_head             ? head_[size_t(offset)]
                         : offset < tail_at_ ? '\0'
                                             : tail_[size_t(offset - tail_at_)];
      into[done] = static_cast<std::byte>(value);
    }
    return done;
  }

 private:
  std::string head_, tail_;
  int64_t tail_at_;
};

TEST(WrongLength, OfFourBytesIsNoLimit) {
  constexpr int64_t kSize = (int64_t{1} << 32) + 64'000;
  const std::string list = chunk("LIST", "INFO");
  for (const auto& [claimed, tail] : std::vector<std::pair<uint64_t, std::string>>{
           {0xffffffff, ""}, {0, ""}, {64'000, ""}, {64'000, list}, {1000, ""}}) {
    LargeFile file(riff(chunk("fmt ", format(3, 8, 64)) + "data" + number(claimed, 4)), kSize, tail);
    audio::Contents contents = audio::find_contents(file, "reading");
    ASSERT_EQ(contents.streams.size(), 1u);
    EXPECT_EQ(contents.warnings.size(), claimed == 1000 ? 1u : 0u);
    const int64_t size = contents.streams[0].bytes->size();
    EXPECT_GE(size, kSize);
    EXPECT_LT(size, kSize + 200);
    EXPECT_EQ(audio::Decoder(std::move(contents.streams[0]), "reading").frames(), kSize / 64);
  }
}

}  // namespace
}  // namespace contentvec
