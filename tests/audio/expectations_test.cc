// What librosa.load(path, sr=16000, mono=True) made of the files in tests/data/audio, kept beside each of
// them.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "contentvec/audio.h"
#include "output/npy.h"
#include "support.h"

namespace contentvec {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> audio_files() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(test::data() / "audio")) {
    if (entry.path().extension() == ".npy") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Expectations : public testing::TestWithParam<std::string> {};

TEST_P(Expectations, AreMetTo1e4) {
  const fs::path path = test::data() / "audio" / GetParam();
  const auto expected = output::read_npy(path.string() + ".npy").values;
  const auto waveform = load_audio(path);
  ASSERT_EQ(waveform.size(), expected.size());
  float worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) worst = std::max(worst, std::abs(waveform[i] - expected[i]));
  fmt::print("{:28} max abs error {:.2e}\n", GetParam(), worst);
  const bool same_rate = GetParam().find("_16000.") != std::string::npos;
  EXPECT_LE(worst, same_rate ? 0 : 1e-4f);
}

TEST_P(Expectations, MemoryGivesWhatTheFileGives) {
  const fs::path path = test::data() / "audio" / GetParam();
  EXPECT_EQ(load_audio(test::read_file(path), "memory"), load_audio(path));
}

INSTANTIATE_TEST_SUITE_P(Librosa, Expectations, testing::ValuesIn(audio_files()), [](const auto& file) {
  std::string name = file.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '_'; }, 'x');
  return name;
});

TEST(ExpectationFiles, CoverTheFormatsAndRates) {
  using testing::Contains;
  using testing::HasSubstr;
  const auto names = audio_files();
  for (const char* part : {"_8000.", "_11025.", "_16000.", "_22050.", "_44100.", "_48000.", "_96000.", ".wav",
                           ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".w64", ".rf64"}) {
    EXPECT_THAT(names, Contains(HasSubstr(part)));
  }
}

TEST(SpeechFile, IsFiveSecondsOfSound) {
  const auto waveform = load_audio(test::data() / "audio" / "speech.flac");
  EXPECT_NEAR(static_cast<double>(waveform.size()) / kSampleRate, 5, 0.5);
  double energy = 0;
  for (const float x : waveform) energy += x * x;
  EXPECT_GT(energy / static_cast<double>(waveform.size()), 1e-4);
}

}  // namespace
}  // namespace contentvec
