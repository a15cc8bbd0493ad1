#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "contentvec/voice.h"
#include "golden.h"
#include "support.h"
#include "synthesizer/forge_voice.h"
#include "synthesizer/voice_config_json.h"
#include "synthesizer/voice_file.h"
#include "tensors/weight_norm.h"

namespace contentvec::synthesizer {
namespace {

namespace fs = std::filesystem;
using test::ForgedVoice;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BlendVoices : public ::testing::Test {
 protected:
  [[nodiscard]] std::string spec(const VoiceConfig& config, int seed) const {
    const fs::path path = folder_ / ("config" + std::to_string(seed) + ".json");
    nlohmann::json json = to_json(config);
    test::write_file(path, json.dump());
    return "synthetic:" + path.string() + ":" + std::to_string(seed);
  }
  [[nodiscard]] std::string refusal(const std::vector<std::string>& voices,
                                    const BlendOptions& options = {}) const {
    return test::error_of([&] { blend_voices(voices, folder_ / "out.safetensors", options); });
  }
  const VoiceConfig config_ = test::smallest_voice();
  test::TemporaryFolder folder_;
};

TEST_F(BlendVoices, EveryTensorIsTheWeightedMean) {
  const std::vector<std::string> voices = {spec(config_, 1), spec(config_, 2), spec(config_, 3)};
  const fs::path out = folder_ / "out.safetensors";
  const VoiceInfo info = blend_voices(voices, out, {.weights = {1, 2, 1}});
  EXPECT_THAT(info.warnings, IsEmpty());
  EXPECT_EQ(info.notes.at("info"),
            "blend of config1.json:1 (0.25), config2.json:2 (0.5), config3.json:3 (0.25)");
  const VoiceFile blend = open_voice_file(out.string(), {});
  EXPECT_EQ(blend.config, config_);
  std::vector<VoiceFile> files;
  for (const std::string& voice : voices) files.push_back(open_voice_file(voice, {}));
  for (const auto& [name, tensor] : blend.tensors.all()) {
    const std::vector<float> values = test::read(tensor);
    std::vector<std::vector<float>> of;
    for (const VoiceFile& file : files) of.push_back(file.tensors.read(name));
    for (size_t i = 0; i < values.size(); ++i) {
      const double mean = 0.25 * static_cast<double>(of[0][i]) + 0.5 * static_cast<double>(of[1][i]) +
                          0.25 * static_cast<double>(of[2][i]);
      ASSERT_EQ(values[i], static_cast<float>(mean)) << name << i;
    }
  }
}

TEST_F(BlendVoices, OneShareOfOneIsThatVoice) {
  const fs::path out = folder_ / "out.safetensors";
  blend_voices({spec(config_, 1), spec(config_, 2)}, out, {.weights = {0, 3}});
  const VoiceFile blend = open_voice_file(out.string(), {});
  const VoiceFile alone = open_voice_file(spec(config_, 2), {});
  for (const auto& [name, tensor] : alone.tensors.all())
    EXPECT_EQ(blend.tensors.read(name), test::read(tensor)) << name;
}

TEST_F(BlendVoices, MultipliedOutLayersAreTakenApart) {
  ForgedVoice voice(config_);
  const VoiceFile plain = open_voice_file(spec(config_, 0), {});
  for (const auto& [name, tensor] : plain.tensors.all()) {
    if (!name.ends_with(".weight_v")) continue;
    const std::string layer = name.substr(0, name.size() - std::string(".weight_v").size());
    voice.tensors[layer + ".weight"] = {tensor.shape, tensors::read_weight(plain.tensors, layer, 0)};
    voice.tensors.erase(layer + ".weight_v");
    voice.tensors.erase(layer + ".weight_g");
  }
  test::write_file(folder_ / "fused.pth", voice.bytes());
  const fs::path out = folder_ / "out.safetensors";
  blend_voices({(folder_ / "fused.pth").string(), spec(config_, 1)}, out, {.weights = {1, 0}});
  const VoiceFile blend = open_voice_file(out.string(), {});
  const std::vector<float> weight = tensors::read_weight(blend.tensors, "dec.ups.0", 0);
  const std::vector<float> expected = tensors::read_weight(plain.tensors, "dec.ups.0", 0);
  for (size_t i = 0; i < weight.size(); ++i) ASSERT_NEAR(weight[i], expected[i], 1e-6F);
}

TEST_F(BlendVoices, TheFeaturesThatTheyTakeAreKept) {
  VoiceConfig config = config_;
  config.version = "v1";
  config.phone_channels = 256;
  const auto write = [&](const std::string& name, const std::string& embedder) {
    ForgedVoice voice(config);
    if (!embedder.empty()) voice.set("embedder_model", test::text(embedder));
    test::write_file(folder_ / name, voice.bytes());
    return (folder_ / name).string();
  };
  const std::string applios = write("applio.pth", "contentvec");
  const fs::path out = folder_ / "out.safetensors";
  EXPECT_EQ(blend_voices({applios, applios}, out).stage, (Stage{.layer = kModelOutput, .final_proj = true}));
  fs::remove(out);
  EXPECT_THAT(refusal({applios, write("rvc.pth", "")}), HasSubstr("last_layer: true and false"));
  const std::string spins = write("spin.pth", "spin");
  EXPECT_THAT(refusal({applios, spins}), HasSubstr("embedder_model: \"contentvec\" and \"spin\""));
  EXPECT_THAT(blend_voices({spins, spins}, out).warnings, ElementsAre(HasSubstr("the features of 'spin'")));
  config = config_;  // of version 2, where Applio takes what RVC takes
  EXPECT_EQ(blend_voices({write("a.pth", "contentvec"), write("b.pth", "")}, out).stage,
            (Stage{.layer = kModelOutput}));
}

TEST_F(BlendVoices, CommonSpeakersAreKept) {
  VoiceConfig more = config_;
  more.speakers = 5;
  const fs::path out = folder_ / "out.safetensors";
  const VoiceInfo info = blend_voices({spec(more, 1), spec(config_, 2)}, out);
  EXPECT_EQ(info.speakers, 2);
  EXPECT_THAT(info.warnings, ElementsAre("the voices have 2 to 5 speakers; the first 2 are kept"));
  EXPECT_EQ(open_voice_file(out.string(), {}).tensors.shape("emb_g.weight"), (std::vector<int64_t>{2, 3}));
}

TEST_F(BlendVoices, AsFloat16) {
  const fs::path out = folder_ / "out.safetensors";
  blend_voices({spec(config_, 1), spec(config_, 2)}, out, {.dtype = DType::kF16});
  const VoiceFile blend = open_voice_file(out.string(), {});
  EXPECT_EQ(blend.tensors.all().at("emb_g.weight").type, checkpoint::ElementType::kF16);
}

TEST_F(BlendVoices, WhatDoesNotFitIsRefused) {
  VoiceConfig other = config_;
  other.upsample_rates = {32, 10};
  other.sample_rate = 32000;
  const std::string one = spec(config_, 1);
  EXPECT_THAT(refusal({one, spec(other, 2)}),
              AllOf(HasSubstr("voices of different kinds"), HasSubstr("\n  sr: 16000 and 32000"),
                    HasSubstr("\n  upsample_rates: [16,10] and [32,10]")));
  other = config_;
  other.version = "v1";
  other.phone_channels = 256;
  EXPECT_THAT(refusal({one, spec(other, 3)}), HasSubstr("version: \"v2\" and \"v1\""));
  other = config_;
  other.f0 = false;
  EXPECT_THAT(refusal({one, spec(other, 4)}), HasSubstr("f0: 1 and 0"));
  EXPECT_THAT(refusal({one}), HasSubstr("at least two voices, found 1"));
  EXPECT_THAT(refusal({one, one}, {.weights = {1}}), HasSubstr("a weight for each of the 2 voices, found 1"));
  for (const std::vector<double>& weights :
       {std::vector<double>{0, 0}, {-1, 2}, {std::nan(""), 1}, {std::numeric_limits<double>::max(), 1e308}})
    EXPECT_THAT(refusal({one, one}, {.weights = weights}), HasSubstr("weights of 0 or more"));
  EXPECT_THAT(refusal({one, one}, {.dtype = DType::kBF16}), HasSubstr("float32 or float16"));
  EXPECT_FALSE(fs::exists(folder_ / "out.safetensors"));
  test::write_file(folder_ / "a.pth", ForgedVoice().bytes());
  const std::string file = (folder_ / "a.pth").string();
  EXPECT_THAT(test::error_of([&] {
                blend_voices({file, file}, file);
              }),
              HasSubstr("it is one of the voices"));
}

TEST_F(BlendVoices, WhatIsAVoice) {
  EXPECT_TRUE(is_voice(spec(config_, 1)));
  ForgedVoice voice;
  test::write_file(folder_ / "a.pth", voice.bytes());
  EXPECT_TRUE(is_voice((folder_ / "a.pth").string()));
  EXPECT_TRUE(is_voice(folder_.path().string()));
  voice.tensors.erase("enc_p.emb_phone.weight");
  test::write_file(folder_ / "a.pth", voice.bytes());
  EXPECT_TRUE(is_voice((folder_ / "a.pth").string()));
  EXPECT_FALSE(is_voice((test::oracle_rvc() / "checkpoints" / "refused.discriminator.D.pth").string()));
  EXPECT_FALSE(is_voice((test::oracle() / "checkpoints" / "tiny.fairseq.pt").string()));
  EXPECT_FALSE(is_voice((test::oracle() / "checkpoints" / "tiny.hf").string()));
  EXPECT_FALSE(is_voice("org/repo"));
  EXPECT_FALSE(is_voice("synthetic:base"));
}

}  // namespace
}  // namespace contentvec::synthesizer
