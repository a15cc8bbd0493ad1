// Whatever form a voice's file has, it sounds the same.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "contentvec/voice.h"
#include "support.h"
#include "synthesizer/forge_voice.h"
#include "synthesizer/noise.h"
#include "synthesizer/voice_config_json.h"

namespace contentvec::synthesizer {
namespace {

/// What a voice makes of made-up features.
std::vector<float> sound_of(const std::string& spec, const VoiceLoadOptions& options = {}) {
  constexpr int64_t kFrames = 40;
  const Voice voice = Voice::load(spec, options);
  std::vector<float> features(static_cast<size_t>(kFrames * voice.info().feature_dim));
  NormalStream("features", 0).fill(0, features);
  const std::vector<float> f0(voice.info().pitch ? kFrames : 0, 220.0F);
  VoiceInput input;
  input.features = features;
  input.f0 = f0;
  input.speaker = 1;
  return voice.synthesize(input);
}

double signal_to_noise(const std::vector<float>& sound, const std::vector<float>& reference) {
  double signal = 0, noise = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double difference = static_cast<double>(sound[i]) - static_cast<double>(reference[i]);
    signal += static_cast<double>(reference[i]) * static_cast<double>(reference[i]);
    noise += difference * difference;
  }
  return 10 * std::log10(signal / noise);
}

/// Files of the same weights, whose sounds are all the same; the first is what the others are compared with.
void expect_one_sound(const std::vector<std::string>& files, const VoiceLoadOptions& options = {}) {
  const std::vector<float> first = sound_of(files.front(), options);
  for (const std::string& file : files) EXPECT_EQ(sound_of(file, options), first) << file;
}

class VoiceForms : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(file("tiny-v2-48k.rvc.pth")))
      GTEST_SKIP() << "the files are in ../shared alone";
  }
  static std::string file(const std::string& name) {
    return (test::oracle_rvc() / "checkpoints" / name).string();
  }
  static std::string plain(const std::string& config) {
    return "synthetic:" + (test::oracle_rvc() / "configs" / (config + ".json")).string();
  }
};

TEST_F(VoiceForms, Float32SoundsAsThePlainWeightsDo) {
  expect_one_sound({plain("tiny-v1-40k"), file("tiny-v1-40k.old.pth")});
  expect_one_sound({plain("tiny-v2-24k-resblock2"), file("tiny-v2-24k-resblock2.float32.pth")});
  VoiceLoadOptions of_training;
  of_training.sample_rate = 32000;
  expect_one_sound({plain("tiny-v2-32k-nono"), file("tiny-v2-32k-nono.G.pth")}, of_training);
}

TEST_F(VoiceForms, Float16SoundsTheSameInEveryForm) {
  expect_one_sound(
      {file("tiny-v2-48k.rvc.pth"), file("tiny-v2-48k.applio.pth"), file("tiny-v2-48k.mlx.safetensors")});
  expect_one_sound({file("tiny-v1-40k.rvc.pth"), file("tiny-v1-40k.parametrizations.pth")});
}

/// float16's last place is 66 dB below a weight, and some thirty layers' errors add up to 15 dB more.
TEST_F(VoiceForms, Float16SoundsAlmostAsThePlainWeightsDo) {
  constexpr double kDecibels = 66 - 15;
  for (const auto& [name, config] :
       {std::pair("tiny-v1-40k.rvc.pth", "tiny-v1-40k"),
        std::pair("tiny-v1-48k-5ups.rvc.pth", "tiny-v1-48k-5ups"),
        std::pair("tiny-v2-32k-nono.rvc.pth", "tiny-v2-32k-nono"),
        std::pair("tiny-v2-48k.rvc.pth", "tiny-v2-48k"), std::pair("tiny-v2-48k.fused.pth", "tiny-v2-48k")})
    EXPECT_GE(signal_to_noise(sound_of(file(name)), sound_of(plain(config))), kDecibels) << name;
}

TEST(VoiceForm, AForgedFileSoundsAsItsWeightsDo) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "config.json", to_json(test::smallest_voice()).dump());
  test::write_file(folder / "voice.pth", test::ForgedVoice().bytes());
  expect_one_sound({"synthetic:" + (folder / "config.json").string(), (folder / "voice.pth").string()});
}

}  // namespace
}  // namespace contentvec::synthesizer
