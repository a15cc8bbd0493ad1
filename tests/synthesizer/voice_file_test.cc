#include "synthesizer/voice_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "checkpoint/forge.h"
#include "golden.h"
#include "support.h"
#include "synthesizer/forge_voice.h"
#include "synthesizer/voice_config_json.h"
#include "synthesizer/voice_tensors.h"
#include "tensors/weight_norm.h"

namespace contentvec::synthesizer {
namespace {

namespace fs = std::filesystem;
using test::ForgedVoice;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string synthetic_spec(const std::string& config) {
  return "synthetic:" + (test::oracle_rvc() / "configs" / (config + ".json")).string();
}

/// Each layer's weight as it is used, and everything else, by name.
std::map<std::string, std::vector<float>> effective(const tensors::NamedTensors& tensors) {
  std::map<std::string, std::vector<float>> values;
  for (const auto& [name, tensor] : tensors.all()) {
    const std::string layer = name.substr(0, name.rfind('.'));
    if (name.ends_with(".weight_v"))
      values[layer + ".weight"] = tensors::read_weight(tensors, layer, 0);
    else if (!name.ends_with(".weight_g"))
      values[name] = tensors.read(name);
  }
  return values;
}

void expect_same_voice(const VoiceFile& file, const VoiceFile& expected, double relative) {
  EXPECT_EQ(file.config, expected.config);
  const auto values = effective(file.tensors);
  const auto wanted = effective(expected.tensors);
  ASSERT_EQ(values.size(), wanted.size());
  for (const auto& [name, reference] : wanted) {
    ASSERT_EQ(values.count(name), 1U) << name;
    const std::vector<float>& found = values.at(name);
    ASSERT_EQ(found.size(), reference.size()) << name;
    for (size_t i = 0; i < found.size(); ++i) {
      const double allowed =
          relative * std::abs(static_cast<double>(reference[i])) + (relative > 0 ? 1e-6 : 0);
      ASSERT_NEAR(found[i], reference[i], allowed) << name << ", element " << i;
    }
  }
}

struct Form {
  std::string file, config;
  bool half = true;
};
void PrintTo(const Form& form, std::ostream* out) {
  *out << form.file;
}

/// The files of the oracle, each beside the plain weights it was made from.
class OracleVoice : public ::testing::TestWithParam<Form> {};

TEST_P(OracleVoice, HoldsThePlainWeights) {
  const fs::path path = test::oracle_rvc() / "checkpoints" / GetParam().file;
  if (!fs::exists(path)) GTEST_SKIP() << path << " is in ../shared alone";
  VoiceLoadOptions options;
  if (GetParam().file.ends_with(".G.pth")) options.sample_rate = 32000;
  const VoiceFile file = open_voice_file(path.string(), options);
  const VoiceFile expected = open_voice_file(synthetic_spec(GetParam().config), {});
  // Half of a float16's last place each for g and v, and as much for a norm of values that were rounded.
  expect_same_voice(file, expected, GetParam().half ? 1.5 / 1024 : 2e-7);
  EXPECT_EQ(file.info.source, path.string());
  EXPECT_EQ(file.info.parameters, file.tensors.parameters());
  EXPECT_THAT(file.info.warnings, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, OracleVoice,
                         ::testing::Values(Form{"tiny-v1-40k.rvc.pth", "tiny-v1-40k"},
                                           Form{"tiny-v1-40k.old.pth", "tiny-v1-40k", false},
                                           Form{"tiny-v1-40k.parametrizations.pth", "tiny-v1-40k"},
                                           Form{"tiny-v1-48k-5ups.rvc.pth", "tiny-v1-48k-5ups"},
                                           Form{"tiny-v2-24k-resblock2.float32.pth", "tiny-v2-24k-resblock2",
                                                false},
                                           Form{"tiny-v2-32k-nono.rvc.pth", "tiny-v2-32k-nono"},
                                           Form{"tiny-v2-32k-nono.G.pth", "tiny-v2-32k-nono", false},
                                           Form{"tiny-v2-48k.rvc.pth", "tiny-v2-48k"},
                                           Form{"tiny-v2-48k.applio.pth", "tiny-v2-48k"},
                                           Form{"tiny-v2-48k.fused.pth", "tiny-v2-48k"},
                                           Form{"tiny-v2-48k.mlx.safetensors", "tiny-v2-48k"}),
                         [](const auto& form) { return test::test_name(form.param.file); });

TEST(VoiceFile, NoFileOfTheOracleIsLeftOut) {
  const fs::path folder = test::oracle_rvc() / "checkpoints";
  if (!fs::exists(folder / "tiny-v2-48k.rvc.pth")) GTEST_SKIP() << "only ../shared has them all";
  int voices = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("tiny-v") && !name.ends_with(".index") && !name.ends_with(".json")) ++voices;
  }
  EXPECT_EQ(voices, 11);
}

TEST(VoiceFile, ApplioSaysMore) {
  const fs::path path = test::oracle_rvc() / "checkpoints" / "tiny-v2-48k.applio.pth";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is in ../shared alone";
  const VoiceInfo info = inspect_voice(path.string());
  EXPECT_EQ(info.notes.at("epoch"), "120");
  EXPECT_EQ(info.notes.at("author"), "someone");
  EXPECT_EQ(info.notes.at("model_name"), "voice");
  EXPECT_EQ(info.notes.at("embedder_model"), "contentvec");
  EXPECT_FALSE(info.notes.contains("sr"));
}

std::string refusal_of(const fs::path& path, const VoiceLoadOptions& options = {}) {
  return test::error_of([&] { open_voice_file(path.string(), options); });
}

TEST(VoiceFile, OtherFilesAreRefusedByName) {
  const fs::path folder = test::oracle_rvc() / "checkpoints";
  EXPECT_THAT(refusal_of(folder / "refused.discriminator.D.pth"), HasSubstr("discriminator"));
  EXPECT_THAT(refusal_of(folder / "refused.mrf.applio.pth"), HasSubstr("MRF HiFi-GAN"));
  EXPECT_THAT(refusal_of(folder / "refused.refinegan.applio.pth"), HasSubstr("RefineGAN"));
  EXPECT_THAT(refusal_of(folder / "refused.nineteen-fields.pth"), HasSubstr("19 fields"));
  const fs::path speech = test::oracle() / "checkpoints";
  for (const auto& entry : fs::directory_iterator(speech)) {
    if (entry.path().extension() != ".pt") continue;
    EXPECT_THAT(refusal_of(entry.path()), HasSubstr("a speech model (HuBERT")) << entry.path();
  }
  if (!fs::exists(folder / "tiny-rmvpe.pt")) GTEST_SKIP() << "the pitch estimators are in ../shared alone";
  EXPECT_THAT(refusal_of(folder / "tiny-rmvpe.pt"), HasSubstr("found RMVPE, a pitch estimator"));
  EXPECT_THAT(refusal_of(folder / "tiny-fcpe.pt"), HasSubstr("found FCPE, a pitch estimator"));
  EXPECT_THAT(refusal_of(folder / "tiny-v2.index"), HasSubstr("an index of FAISS"));
}

/// Forged files, in a folder of the test's own.
class ForgedVoiceFile : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path write(const ForgedVoice& voice, const std::string& name = "voice.pth") const {
    const fs::path path = folder_ / name;
    test::write_file(path, voice.bytes());
    return path;
  }
  [[nodiscard]] VoiceFile open(const ForgedVoice& voice, const std::string& name = "voice.pth",
                               const VoiceLoadOptions& options = {}) const {
    return open_voice_file(write(voice, name).string(), options);
  }
  [[nodiscard]] std::string refusal(const ForgedVoice& voice, const std::string& name = "voice.pth") const {
    return refusal_of(write(voice, name));
  }
  test::TemporaryFolder folder_;
};

TEST_F(ForgedVoiceFile, IsRead) {
  const VoiceFile file = open(ForgedVoice());
  EXPECT_EQ(file.config, test::smallest_voice());
  EXPECT_EQ(file.tensors.all().size(), voice_tensors(file.config).size());
  EXPECT_EQ(file.info.version, "v2");
  EXPECT_EQ(file.info.sample_rate, 16000);
  EXPECT_TRUE(file.info.pitch);
  EXPECT_EQ(file.info.feature_dim, 768);
  EXPECT_EQ(file.info.speakers, 2);
  EXPECT_EQ(file.info.samples_per_frame, 160);
  EXPECT_THAT(file.info.notes, UnorderedElementsAre(Pair("info", "20epoch")));
  EXPECT_THAT(file.info.warnings, IsEmpty());
}

TEST_F(ForgedVoiceFile, OlderOnesDoNotSayVersionOrPitch) {
  VoiceConfig config = test::smallest_voice();
  config.version = "v1";
  config.phone_channels = 256;
  ForgedVoice voice(config);
  voice.entries.clear();
  EXPECT_EQ(open(voice).config, config);
}

TEST_F(ForgedVoiceFile, TensorsAreBelieved) {
  ForgedVoice voice;
  voice.config[3] = test::integer(192);
  voice.config[4] = test::integer(-7);
  voice.config[15] = test::integer(109);
  voice.set("version", test::text("v1"));
  voice.set("f0", test::integer(0));
  const VoiceFile file = open(voice);
  EXPECT_EQ(file.config, test::smallest_voice());
  EXPECT_THAT(file.info.warnings,
              UnorderedElementsAre("it says that its hidden_channels is 192, but its tensors are of 4",
                                   "it says that its filter_channels is -7, but its tensors are of 6",
                                   "it says that its version is \"v1\", but its tensors are of \"v2\"",
                                   "it says that its f0 is 0, but its tensors are of 1"));
}

TEST_F(ForgedVoiceFile, ThePosteriorEncoderIsLeftOut) {
  ForgedVoice voice;
  voice.tensors["enc_q.pre.weight"] = {{1}, {1.0F}};
  const VoiceFile file = open(voice);
  EXPECT_FALSE(file.tensors.has("enc_q.pre.weight"));
  EXPECT_THAT(file.info.warnings, IsEmpty());
}

TEST_F(ForgedVoiceFile, OtherTensorsAreWarnedOf) {
  ForgedVoice voice;
  voice.tensors["extra.weight"] = {{1}, {1.0F}};
  EXPECT_THAT(open(voice).info.warnings,
              ElementsAre(HasSubstr("1 tensors of unknown meaning are ignored:\n  extra")));
}

TEST_F(ForgedVoiceFile, WhatDoesNotFitIsListed) {
  ForgedVoice voice;
  voice.tensors.erase("dec.resblocks.1.convs2.1.weight_g");
  voice.tensors["dec.ups.0.bias"] = {{2}, {1.0F, 1.0F}};
  voice.tensors["flow.flows.8.pre.weight"] = {{1}, {1.0F}};
  const std::string refusal = ForgedVoiceFile::refusal(voice);
  EXPECT_THAT(refusal, HasSubstr("dec.resblocks.1.convs2.1.weight_g [2, 1, 1] is missing"));
  EXPECT_THAT(refusal, HasSubstr("dec.ups.0.bias has shape [2], expected [4]"));
  EXPECT_THAT(refusal, HasSubstr("flow.flows.8.pre.weight has no place in this architecture"));
}

TEST_F(ForgedVoiceFile, OneTensorUnderTwoNamesIsRefused) {
  ForgedVoice voice;
  voice.tensors["dec.ups.0.parametrizations.weight.original0"] = voice.tensors.at("dec.ups.0.weight_g");
  EXPECT_THAT(refusal(voice), HasSubstr("are the same one"));
}

TEST_F(ForgedVoiceFile, ATrainingCheckpointNeedsARate) {
  ForgedVoice voice;
  voice.with_config = false;
  voice.entries = {{"iteration", test::integer(12)}, {"learning_rate", test::text("1e-4")}};
  voice.weights_key = "model";
  EXPECT_THAT(refusal(voice, "G_2333.pth"),
              HasSubstr("does not say its sample rate: give it as sample_rate"));
  VoiceLoadOptions options;
  options.sample_rate = 16000;
  const VoiceFile file = open(voice, "G_2333.pth", options);
  EXPECT_EQ(file.config, test::smallest_voice());
  EXPECT_EQ(file.info.notes.at("iteration"), "12");
  options.sample_rate = 44100;
  EXPECT_THAT(refusal_of(write(voice), options),
              HasSubstr("voice.pth, taken to be of 44100 Hz: upsample_kernel_sizes has 32 for a rate of 44"));
}

/// RVC's own architectures, small but for their upsamplings.
VoiceConfig trained_by_rvc(const std::vector<int64_t>& rates, const std::vector<int64_t>& kernels, bool f0) {
  VoiceConfig config = test::smallest_voice();
  config.upsample_rates = rates;
  config.upsample_kernel_sizes = kernels;
  config.upsample_initial_channel = 64;
  config.sample_rate = 100 * static_cast<int>(config.samples_per_frame());
  config.f0 = f0;
  return config;
}

TEST_F(ForgedVoiceFile, TheRatesOfATrainingCheckpointFollowFromItsSampleRate) {
  const std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>> published = {
      {{10, 4, 2, 2, 2}, {16, 16, 4, 4, 4}}, {{10, 10, 2, 2}, {16, 16, 4, 4}},
      {{10, 6, 2, 2, 2}, {16, 16, 4, 4, 4}}, {{10, 8, 2, 2}, {20, 16, 4, 4}},
      {{12, 10, 2, 2}, {24, 20, 4, 4}},      {{10, 6, 2, 2}, {20, 12, 4, 4}}};
  for (const auto& [rates, kernels] : published) {
    for (const bool f0 : {true, false}) {
      const VoiceConfig config = trained_by_rvc(rates, kernels, f0);
      ForgedVoice voice(config);
      voice.with_config = false;
      voice.entries.clear();
      VoiceLoadOptions options;
      options.sample_rate = config.sample_rate;
      EXPECT_EQ(open(voice, "G_0.pth", options).config, config) << config.sample_rate << f0;
    }
  }
}

TEST_F(ForgedVoiceFile, APretrainedGeneratorsNameSaysItsRate) {
  ForgedVoice voice(trained_by_rvc({10, 10, 2, 2}, {16, 16, 4, 4}, true));
  voice.with_config = false;
  voice.entries.clear();
  EXPECT_EQ(open(voice, "f0G40k.pth").config.sample_rate, 40000);
  EXPECT_THAT(refusal(voice, "G_0.pth"),
              HasSubstr("though its layers are those of RVC's voices of 40000 Hz: give it as sample_rate"));
  EXPECT_THAT(refusal(voice, "f0G48k.pth"),
              HasSubstr("of 40000 Hz, but its sample rate is said to be 48000 Hz"));
}

TEST_F(ForgedVoiceFile, AnExperimentsFolderSaysTheRate) {
  ForgedVoice voice;
  voice.with_config = false;
  voice.entries.clear();
  test::write_file(folder_ / "config.json",
                   std::string(R"({"data": {"sampling_rate": 16000}, "model": {}})"));
  EXPECT_EQ(open(voice, "G_0.pth").config, test::smallest_voice());
  for (const char* other : {"{}", "[]", R"({"data": 3})"}) {
    test::write_file(folder_ / "config.json", std::string(other));
    EXPECT_THAT(refusal(voice, "G_0.pth"), HasSubstr("give it as sample_rate")) << other;
  }
  test::write_file(folder_ / "config.json", std::string(R"({"data": {"sampling_rate": -1}})"));
  EXPECT_THAT(refusal(voice, "G_0.pth"), HasSubstr("config.json: sr should be"));
}

TEST_F(ForgedVoiceFile, ARateThatItDoesNotHaveIsRefused) {
  VoiceLoadOptions options;
  options.sample_rate = 40000;
  EXPECT_THAT(refusal_of(write(ForgedVoice()), options),
              HasSubstr("a voice of 16000 Hz, but 40000 Hz are asked for"));
}

TEST_F(ForgedVoiceFile, FeaturesOfAnotherModelAreWarnedOf) {
  ForgedVoice voice;
  voice.set("embedder_model", test::text("japanese-hubert-base"));
  EXPECT_THAT(open(voice).info.warnings, ElementsAre(HasSubstr("features of 'japanese-hubert-base'")));
}

TEST_F(ForgedVoiceFile, WhichFeaturesItTakes) {
  VoiceConfig config = test::smallest_voice();
  const auto stage = [&](const std::string& embedder) {
    ForgedVoice voice(config);
    if (!embedder.empty()) voice.set("embedder_model", embedder);
    const VoiceFile file = open(voice);
    EXPECT_THAT(file.info.warnings, IsEmpty());
    return file.info.stage;
  };
  for (const std::string& embedder : {std::string(), test::text("contentvec")})
    EXPECT_EQ(stage(embedder), (Stage{.layer = kModelOutput}));
  config.version = "v1";
  config.phone_channels = 256;
  EXPECT_EQ(stage(""), (Stage{.layer = 9, .final_proj = true}));
  for (const std::string& of_applio : {test::text("contentvec"), test::text("None"), test::none()})
    EXPECT_EQ(stage(of_applio), (Stage{.layer = kModelOutput, .final_proj = true}));
}

TEST_F(ForgedVoiceFile, APlainSafetensorsOfOurOwnIsRead) {
  const ForgedVoice voice;
  const fs::path path = folder_ / "voice.safetensors";
  test::write_tensors(path, voice.tensors,
                      {{kVoiceMetadata, to_json(test::smallest_voice()).dump()}, {"author", "somebody"}});
  const VoiceFile file = open_voice_file(path.string(), {});
  EXPECT_EQ(file.config, test::smallest_voice());
  EXPECT_THAT(file.info.notes, ElementsAre(Pair("author", "somebody")));
  expect_same_voice(file, open(voice), 0);
}

TEST_F(ForgedVoiceFile, NotesAreBounded) {
  ForgedVoice voice;
  voice.set("info", test::text(std::string(1'000'000, 'x')));
  for (int i = 0; i < 200; ++i) voice.set("note" + std::to_string(i), test::integer(i));
  EXPECT_LE(open(voice).info.notes.size(), 64U);
}

TEST(VoiceFile, SyntheticVoicesAreOfAConfiguration) {
  const std::string spec = synthetic_spec("tiny-v2-48k");
  const VoiceFile file = open_voice_file(spec + ":7", {});
  EXPECT_EQ(file.info.source, spec + ":7");
  EXPECT_NE(file.tensors.read("emb_g.weight"), open_voice_file(spec, {}).tensors.read("emb_g.weight"));
  EXPECT_THAT(test::error_of([] { open_voice_file("synthetic:base", {}); }),
              HasSubstr("synthetic:CONFIG.json"));
  EXPECT_THAT(test::error_of([] { open_voice_file(synthetic_spec("tiny-rmvpe"), {}); }),
              HasSubstr("whose \"kind\" is \"rvc\""));
  VoiceLoadOptions options;
  options.sample_rate = 40000;
  EXPECT_THAT(test::error_of([&] { open_voice_file(spec, options); }), HasSubstr("a voice of 48000 Hz"));
}

TEST(VoiceFile, SyntheticVoicesAreBounded) {
  const test::TemporaryFolder folder;
  VoiceConfig config;
  config.hidden_channels = config.filter_channels = 8192;
  config.n_layers = 64;
  test::write_file(folder / "large.json", to_json(config).dump());
  EXPECT_THAT(test::error_of([&] { open_voice_file("synthetic:" + (folder / "large.json").string(), {}); }),
              HasSubstr("expected at most 268435456"));
}

}  // namespace
}  // namespace contentvec::synthesizer
