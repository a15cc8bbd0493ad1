#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "audio/bytes.h"
#include "audio/wav.h"
#include "contentvec/audio.h"
#include "support.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr AudioFileOptions kPcm24Wav = {AudioContainer::kWav, AudioEncoding::kPcm24};
constexpr AudioFileOptions kFloatWav = {AudioContainer::kWav, AudioEncoding::kFloat};

void write_mono(const fs::path& path, const std::vector<float>& samples,
                const AudioFileOptions& options = {}) {
  const std::span<const float> channel = samples;
  write_audio(path, std::span(&channel, 1), 44100, options);
}

std::vector<float> ramp(size_t samples, float slope) {
  std::vector<float> values(samples);
  for (size_t i = 0; i < samples; ++i) values[i] = slope * std::sin(static_cast<float>(i) * 0.1F);
  return values;
}

TEST(ToPcm16, IsRvcs) {
  EXPECT_THAT(to_pcm16(std::vector<float>{0, 0.5F, -0.5F, 0.98F, 1.9F / 32768, -1.9F / 32768}),
              ElementsAre(0, 16384, -16384, 32112, 1, -1));
  // The largest becomes 0.99, and all others follow.
  EXPECT_THAT(to_pcm16(std::vector<float>{-2, 1, 0.25F}), ElementsAre(-32440, 16220, 4055));
  EXPECT_THAT(to_pcm16({}), IsEmpty());
  EXPECT_THAT(error_of([] {
                static_cast<void>(to_pcm16(std::vector<float>{0, std::nanf("")}));
              }),
              HasSubstr("sample 1"));
}

TEST(WriteAudio, WhatIsWrittenIsReadAgain) {
  const TemporaryFolder folder;
  const std::vector<float> left = ramp(10000, 0.9F);
  const std::vector<float> right = ramp(10000, 0.4F);
  const std::vector<std::span<const float>> channels = {left, right};
  const auto step = [](AudioEncoding encoding) {
    return encoding == AudioEncoding::kFloat   ? 0
           : encoding == AudioEncoding::kPcm24 ? 1 / 8388608.0
                                               : 1 / 32768.0;
  };
  for (const std::string ending : {".wav", ".flac", ".FLAC"}) {
    for (const AudioEncoding encoding :
         {AudioEncoding::kPcm16, AudioEncoding::kPcm24, AudioEncoding::kFloat}) {
      if (encoding == AudioEncoding::kFloat && ending != ".wav") continue;
      const fs::path path = folder / ("x" + ending);
      write_audio(path, channels, 48000, {.encoding = encoding});
      const AudioChannels read = read_audio_channels(path);
      EXPECT_EQ(read.rate, 48000);
      EXPECT_THAT(read.warnings, IsEmpty());
      ASSERT_EQ(read.channels.size(), 2U);
      for (size_t c = 0; c < 2; ++c) {
        ASSERT_EQ(read.channels[c].size(), channels[c].size());
        for (size_t i = 0; i < channels[c].size(); ++i) {
          // Cut, not rounded: at most a step towards zero.
          const double lost = std::abs(channels[c][i]) - std::abs(read.channels[c][i]);
          ASSERT_GE(lost, 0) << ending << " " << i;
          ASSERT_LE(lost, step(encoding)) << ending << " " << i;
        }
      }
    }
  }
}

TEST(WriteAudio, WholeNumbersAreToPcm16sAndFloatsAsTheyAre) {
  const TemporaryFolder folder;
  const std::vector<float> loud = ramp(5000, 3.0F);
  write_mono(folder / "x.wav", loud);
  const std::vector<int16_t> expected = to_pcm16(loud);
  const std::vector<float> read = read_audio_channels(folder / "x.wav").channels[0];
  for (size_t i = 0; i < loud.size(); ++i) ASSERT_EQ(read[i] * 32768, expected[i]) << i;
  write_mono(folder / "f.wav", loud, kFloatWav);
  EXPECT_EQ(read_audio_channels(folder / "f.wav").channels[0], loud);
}

TEST(WriteAudio, AllChannelsAreScaledAlike) {
  const TemporaryFolder folder;
  const std::vector<float> loud = {2, 0};
  const std::vector<float> soft = {0.5F, -0.5F};
  const std::vector<std::span<const float>> channels = {soft, loud};
  write_audio(folder / "x.wav", channels, 8000, kPcm24Wav);
  const AudioChannels read = read_audio_channels(folder / "x.wav");
  EXPECT_NEAR(read.channels[1][0], 0.99, 1e-6);
  EXPECT_NEAR(read.channels[0][0], 0.2475, 1e-6);
}

TEST(WriteAudio, TheSameSamplesGiveTheSameBytes) {
  const TemporaryFolder folder;
  for (const std::string name : {"16.wav", "16.flac", "float.wav"}) {
    const AudioFileOptions options = {.encoding = name.starts_with("float") ? AudioEncoding::kFloat
                                                                            : AudioEncoding::kPcm16};
    write_mono(folder / name, ramp(3000, 0.5F), options);
    write_mono(folder / ("again-" + name), ramp(3000, 0.5F), options);
    const std::string bytes = test::text_of(folder / name);
    EXPECT_EQ(bytes, test::text_of(folder / ("again-" + name)));
    EXPECT_THAT(bytes, testing::Not(HasSubstr("PEAK"))) << "its time stamp would differ";
  }
}

TEST(WriteAudio, APipeGetsTheFileAsAFolderDoes) {
  const TemporaryFolder folder;
  write_mono(folder / "x.wav", ramp(3000, 0.5F));
  const int saved = ::dup(STDOUT_FILENO);
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  ::dup2(ends[1], STDOUT_FILENO);
  const std::string error = [&] {
    try {
      write_mono("-", ramp(3000, 0.5F), {.container = AudioContainer::kWav});
      return std::string();
    } catch (const std::exception& e) {
      return std::string(e.what());
    }
  }();
  ::dup2(saved, STDOUT_FILENO);
  ::close(saved);
  ::close(ends[1]);
  EXPECT_EQ(error, "");
  const std::string expected = test::text_of(folder / "x.wav");
  std::string got(expected.size() + 1, '\0');  // 6 kB, which a pipe holds
  const ssize_t count = ::read(ends[0], got.data(), got.size());
  ::close(ends[0]);
  ASSERT_EQ(count, static_cast<ssize_t>(expected.size()));
  got.resize(expected.size());
  EXPECT_EQ(got, expected);
}

TEST(WriteAudio, WhatCannotBeWrittenLeavesWhatWasThere) {
  const TemporaryFolder folder;
  test::write_file(folder / "x.wav", std::string("before"));
  const auto error = [&](const std::string& name, const std::vector<float>& samples,
                         const AudioFileOptions& options = {}, int rate = 44100) {
    const std::span<const float> channel = samples;
    return error_of([&] { write_audio(folder / name, std::span(&channel, 1), rate, options); });
  };
  const std::vector<float> one = {0.5F};
  EXPECT_THAT(error("x.mp3", one), AllOf(HasSubstr("x.mp3"), HasSubstr(".flac")));
  EXPECT_THAT(error("x.wav", {0, std::numeric_limits<float>::infinity()}), HasSubstr("sample 1"));
  EXPECT_THAT(error("x.wav", {0, std::nanf("")}, kFloatWav), HasSubstr("sample 1"));
  EXPECT_THAT(error("x.wav", one, {}, 0), HasSubstr("found 0"));
  EXPECT_THAT(error("x.flac", one, {}, 700000), HasSubstr("655350"));
  EXPECT_THAT(error("x.flac", one, {.encoding = AudioEncoding::kFloat}), HasSubstr("whole numbers"));
  EXPECT_THAT(error("nowhere/x.wav", one), HasSubstr("nowhere"));
  const std::vector<float> two = {0, 0};
  const std::vector<std::span<const float>> unequal = {one, two};
  EXPECT_THAT(error_of([&] { write_audio(folder / "x.wav", unequal, 8000); }), HasSubstr("1 and 2 samples"));
  EXPECT_THAT(error_of([&] { write_audio(folder / "x.wav", {}, 8000); }), HasSubstr("found 0"));
  const std::vector<std::span<const float>> nine(9, one);
  EXPECT_THAT(error_of([&] { write_audio(folder / "x.flac", nine, 8000); }),
              HasSubstr("8 channels, found 9"));
  EXPECT_EQ(test::text_of(folder / "x.wav"), "before");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(WriteAudio, NoSamplesAreAFileToo) {
  const TemporaryFolder folder;
  write_mono(folder / "x.wav", {});
  EXPECT_THAT(error_of([&] { static_cast<void>(read_audio(folder / "x.wav")); }), HasSubstr("no samples"));
}

TEST(ReadAudioChannels, KeepsChannelsAndRate) {
  const AudioChannels audio = read_audio_channels(test::data() / "audio" / "float_3ch_48000.wav");
  EXPECT_EQ(audio.rate, 48000);
  ASSERT_EQ(audio.channels.size(), 3U);
  // Their mean, resampled, is what read_audio gives.
  std::vector<float> mean(audio.channels[0].size());
  for (size_t i = 0; i < mean.size(); ++i)
    mean[i] = (audio.channels[0][i] + audio.channels[1][i] + audio.channels[2][i]) / 3;
  EXPECT_EQ(resample(mean, 48000), load_audio(test::data() / "audio" / "float_3ch_48000.wav"));
}

TEST(ReadAudioChannels, JoinedFilesAreOneAtTheFirstsRate) {
  const TemporaryFolder folder;
  const auto join = [&](const std::vector<std::byte>& a, std::vector<std::byte> b) {
    std::vector<std::byte> both = a;
    both.insert(both.end(), b.begin(), b.end());
    test::write_file(folder / "x.wav", both);
  };
  const std::vector<float> silence(2000, 0.0F);
  join(test::wav(8000, 2, silence), test::wav(16000, 2, silence));
  const AudioChannels audio = read_audio_channels(folder / "x.wav");
  EXPECT_EQ(audio.rate, 8000);
  ASSERT_EQ(audio.channels.size(), 2U);
  EXPECT_EQ(audio.channels[0].size(), 1500U);
  EXPECT_THAT(audio.channels[1], Each(0));
  join(test::wav(8000, 2, silence), test::wav(8000, 1, silence));
  EXPECT_THAT(error_of([&] { static_cast<void>(read_audio_channels(folder / "x.wav")); }),
              HasSubstr("with 2 and with 1 channels"));
  EXPECT_EQ(read_audio(folder / "x.wav").waveform.size(), 6000U);
}

}  // namespace
}  // namespace contentvec
