#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include "audio/wav.h"
#include "child.h"
#include "contentvec/audio.h"
#include "support.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;
using test::wav;
using testing::HasSubstr;

/// Standard input reads `bytes` through a pipe, for as long as this lives.
class StandardInput {
 public:
  explicit StandardInput(std::vector<std::byte> bytes) : saved_(::dup(STDIN_FILENO)) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = std::thread([bytes = std::move(bytes), end = ends[1]] {
      for (size_t done = 0; done < bytes.size();) {
        const ssize_t count = ::write(end, bytes.data() + done, bytes.size() - done);
        if (count <= 0) break;
        done += static_cast<size_t>(count);
      }
      ::close(end);
    });
  }
  ~StandardInput() {
    writer_.join();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
  std::thread writer_;
};

TEST(LoadAudio, KeepsTheBitsOf16kHzFloats) {
  const std::vector<float> samples = {0.1f, -0.0f, 1.75f, -250.0f, 1e-40f, 0.3333333f};
  const auto waveform = load_audio(wav(16000, 1, samples), "floats");
  ASSERT_EQ(waveform.size(), samples.size());
  EXPECT_EQ(std::memcmp(waveform.data(), samples.data(), samples.size() * sizeof(float)), 0);
}

TEST(LoadAudio, AveragesAllChannels) {
  const std::vector<float> frames = {1, 2, 3, 4, 5, 6, -1, 0, 0, 0, 0, 0.5f};
  EXPECT_EQ(load_audio(wav(16000, 6, frames), "5.1"), (std::vector<float>{21.0f / 6, -0.5f / 6}));
}

TEST(LoadAudio, AveragesMoreFramesThanABlock) {
  std::vector<float> frames(size_t{2} * 200'001);
  for (size_t i = 0; i < frames.size(); ++i) frames[i] = static_cast<float>(i % 2 == 0 ? i : i + 2);
  const auto waveform = load_audio(wav(16000, 2, frames), "stereo");
  ASSERT_EQ(waveform.size(), 200'001u);
  for (size_t t = 0; t < waveform.size(); ++t)
    ASSERT_EQ(waveform[t], (frames[2 * t] + frames[2 * t + 1]) / 2);
}

TEST(LoadAudio, ReadsStandardInputThroughAPipe) {
  for (const char* name :
       {"speech.flac", "mp3_stereo_44100.mp3", "vorbis_stereo_48000.ogg", "pcm24_stereo_44100.wav"}) {
    const fs::path path = test::data() / "audio" / name;
    const auto expected = load_audio(path);
    StandardInput input(test::read_file(path));
    EXPECT_EQ(load_audio(fs::path("-")), expected) << name;
  }
}

TEST(LoadAudio, SaysThatStandardInputIsEmpty) {
  StandardInput input({});
  EXPECT_THAT(error_of([] { load_audio(fs::path("-")); }),
              HasSubstr("standard input: no bytes came through"));
}

TEST(LoadAudio, NamesStandardInputInErrors) {
  StandardInput input(std::vector<std::byte>(100));
  EXPECT_THAT(error_of([] { load_audio(fs::path("-")); }),
              HasSubstr("cannot read audio from standard input: not"));
}

TEST(LoadAudio, DoesNotReadStandardInputForEver) {
  const int saved = ::dup(STDIN_FILENO), zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(::dup2(zeros, STDIN_FILENO), 0);
  ::close(zeros);
  EXPECT_THAT(error_of([] { load_audio(fs::path("-")); }),
              HasSubstr("standard input: its first 16 MiB, the limit"));
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
}

TEST(LoadAudio, ReadsANamedPipe) {
  TemporaryFolder folder;
  const fs::path path = test::data() / "audio" / "speech.flac";
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::thread writer([&] { test::write_file(folder / "pipe", test::read_file(path)); });
  EXPECT_EQ(load_audio(folder / "pipe"), load_audio(path));
  writer.join();
}

TEST(LoadAudio, SaysWhatIsWrongWithThePath) {
  TemporaryFolder folder;
  test::write_file(folder / "empty.wav", std::string());
  EXPECT_THAT(error_of([&] { load_audio(folder / "none.wav"); }),
              HasSubstr("none.wav': there is no such file"));
  EXPECT_THAT(error_of([&] { load_audio(folder.path()); }),
              HasSubstr("it is a folder; name an audio file in it"));
  EXPECT_THAT(error_of([&] { load_audio(folder / "empty.wav"); }), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of([] { load_audio(fs::path("/dev/null")); }), HasSubstr("it is a device"));
  EXPECT_THAT(error_of([] { load_audio({}, "nothing"); }), HasSubstr("'nothing': it is empty"));
  EXPECT_THAT(error_of([] { load_audio(fs::path()); }), HasSubstr("there is no such file"));
}

TEST(LoadAudio, SaysThatPermissionIsMissing) {
  TemporaryFolder folder;
  test::write_file(folder / "secret.wav", wav(16000, 1, std::vector<float>(10)));
  ASSERT_EQ(::chmod((folder / "secret.wav").c_str(), 0), 0);
  test::WithoutPrivileges user;
  if (!user.effective()) GTEST_SKIP() << "cannot give up the super-user's rights here";
  EXPECT_THAT(error_of([&] { load_audio(folder / "secret.wav"); }), HasSubstr("this user may not read it"));
}

TEST(LoadAudio, NamesTheSampleThatIsNotFinite) {
  std::vector<float> samples(200'000, 0.25f);
  samples[140'000] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of([&] { load_audio(wav(16000, 1, samples), "x.wav"); }),
              HasSubstr("'x.wav': sample 140000 (8.750 s) is nan"));
  samples[140'000] = -std::numeric_limits<float>::infinity();  // channel 0 of frame 70000
  EXPECT_THAT(error_of([&] { load_audio(wav(48000, 2, samples), "x.wav"); }),
              HasSubstr("sample 70000 (1.458 s) is -inf"));
}

TEST(LoadAudio, RefusesAbsurdRates) {
  for (const uint32_t rate : {1u, 999u, 1'000'001u, 0x7fffffffu}) {
    EXPECT_THAT(error_of([&] { load_audio(wav(rate, 1, std::vector<float>(10)), "x"); }),
                HasSubstr("the limits are 1000 to 1000000 Hz"));
  }
  EXPECT_FALSE(error_of([] { load_audio(wav(0, 1, std::vector<float>(10)), "x"); }).empty());
}

TEST(LoadAudio, RefusesAFileWithoutSamples) {
  EXPECT_THAT(error_of([] { load_audio(wav(44100, 2, {}), "x.wav"); }), HasSubstr("the file has no samples"));
}

}  // namespace
}  // namespace contentvec
