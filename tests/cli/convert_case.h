#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "audio/wav.h"
#include "cli/files.h"
#include "cli/process.h"
#include "contentvec/audio.h"
#include "contentvec/converter.h"
#include "small_index.h"
#include "support.h"

// What the tests of `contentvec convert` begin with.

namespace contentvec::test {

inline nlohmann::json parsed(const std::string& line) {
  return nlohmann::json::parse(line);
}

/// Half a second of noise, and small models to convert it with. Nothing may be downloaded.
class ConvertTest : public testing::Test {
 protected:
  ConvertTest() {
    write_wav(folder_ / "a.wav", noise_);
    setenv("HF_HUB_OFFLINE", "1", 1);
    setenv("HF_HUB_CACHE", (folder_ / "no cache").c_str(), 1);
  }
  ~ConvertTest() override {
    unsetenv("HF_HUB_OFFLINE");
    unsetenv("HF_HUB_CACHE");
  }

  Result command(const std::vector<std::string>& arguments, Surroundings surroundings = {}) {
    surroundings.folder = folder_.path();
    return run(arguments, surroundings);
  }
  /// By the small voice and its models, where `arguments` do not say others.
  Result convert(std::vector<std::string> arguments, const Surroundings& surroundings = {}) {
    const auto standard = [&](const std::string& option, const std::string& value) {
      if (std::find(arguments.begin(), arguments.end(), option) == arguments.end())
        arguments.insert(arguments.end(), {option, value});
    };
    standard("--voice", rvc_synthetic("tiny-v2-48k"));
    standard("--model", rvc_synthetic("pipeline-hubert-v2"));
    standard("--pitch-model", rvc_synthetic("tiny-rmvpe"));
    arguments.insert(arguments.begin(), "convert");
    return command(arguments, surroundings);
  }
  void expect_same(const std::vector<std::string>& one, const std::vector<std::string>& other) {
    const auto bytes = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), {"a.wav", "--seed", "1", "--out", "same.wav"});
      const Result result = convert(arguments);
      EXPECT_EQ(result.code, 0) << result.err;
      return read_file(folder_ / "same.wav");
    };
    EXPECT_EQ(bytes(one), bytes(other)) << testing::PrintToString(one);
  }
  bool differ(const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"a.wav", "--seed", "1", "--out", "x.wav"};
    EXPECT_EQ(convert(arguments).code, 0);
    const auto before = read_file(folder_ / "x.wav");
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Result result = convert(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return read_file(folder_ / "x.wav") != before;
  }

  [[nodiscard]] static Converter converter() {
    return {Model::load(rvc_synthetic("pipeline-hubert-v2")),
            PitchEstimator::load(rvc_synthetic("tiny-rmvpe")), Voice::load(rvc_synthetic("tiny-v2-48k"))};
  }
  /// A threshold that about half the frames of the noise are above.
  [[nodiscard]] std::string half_voiced() const {
    std::vector<float> confidence = converter().estimate_pitch(noise_, 16000).confidence;
    const auto middle = confidence.begin() + static_cast<std::ptrdiff_t>(confidence.size() / 2);
    std::nth_element(confidence.begin(), middle, confidence.end());
    return std::to_string(*middle);
  }
  /// The samples of an audio file's only channel, as they are in it.
  [[nodiscard]] std::vector<float> samples_in(const std::string& name) const {
    AudioChannels audio = read_audio_channels(folder_ / name);
    EXPECT_EQ(audio.channels.size(), 1U);
    return audio.channels.front();
  }
  /// A stereo file: the noise, and half of it, later.
  void write_stereo(const std::string& name) {
    std::vector<float> both;
    for (size_t i = 0; i < noise_.size(); ++i) {
      both.push_back(noise_[i]);
      both.push_back(i < 700 ? 0 : noise_[i - 700] / 2);
    }
    write_file(folder_ / name, wav(16000, 2, both));
  }

  TemporaryFolder folder_;
  std::vector<float> noise_ = noise(8000);
};

}  // namespace contentvec::test
