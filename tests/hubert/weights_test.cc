// Opening a model file: which configuration wins, what is missing, what is in the way.

#include "hubert/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "golden.h"
#include "hubert/layout.h"
#include "hubert/model_file.h"
#include "support.h"

namespace contentvec::hubert {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Tensors = std::map<std::string, test::Reference>;

/// The tiny HF file of the oracle, to be changed and written again.
Tensors tiny_tensors() {
  return test::read_tensors(test::oracle() / "checkpoints" / "tiny.hf-ctc-prefix.safetensors");
}

ModelConfig tiny_config() {
  return ModelConfig::from_json_file(test::oracle() / "configs" / "tiny.json");
}

class ModelFileTest : public testing::Test {
 protected:
  std::string error_for(const Tensors& tensors) {
    test::write_tensors(path_, tensors);
    return test::error_of([&] { open_model_file(path_.string(), tiny_config()); });
  }
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "m.safetensors";
};

TEST_F(ModelFileTest, ListsAllThatIsMissingOrMisshapen) {
  Tensors tensors = tiny_tensors();
  tensors.erase("hubert.encoder.layers.1.attention.k_proj.bias");
  tensors["hubert.encoder.layer_norm.bias"].shape = {24, 2};
  EXPECT_THAT(error_for(tensors), AllOf(HasSubstr(path_.string()), HasSubstr("hf layout"),
                                        HasSubstr("encoder.layers.1.attention.k_proj.bias [48] is missing"),
                                        HasSubstr("encoder.layer_norm.bias has shape [24, 2], expected [48]"),
                                        Not(HasSubstr("more"))));
}

TEST_F(ModelFileTest, AVarianceBelowZeroIsAnError) {
  ModelConfig config = tiny_config();
  config.conv_pos_batch_norm = true;
  Tensors tensors = test::synthetic_tensors(config);
  tensors.at("encoder.pos_conv.0.running_var").values[5] = -1.0F;
  test::write_tensors(path_, tensors);
  EXPECT_THAT(test::error_of([&] { Model::load(path_.string(), {.config = config}); }),
              AllOf(HasSubstr("running_var"), HasSubstr("element 5")));
}

TEST_F(ModelFileTest, ABatchNormIsFoundWhereAnOlderConfigurationDoesNotKnowOfIt) {
  ModelConfig config = tiny_config();
  config.conv_pos_batch_norm = true;
  test::write_tensors(path_, test::synthetic_tensors(config));
  EXPECT_TRUE(open_model_file(path_.string(), tiny_config()).info.config.conv_pos_batch_norm);
  test::write_tensors(path_, tiny_tensors());
  EXPECT_THAT(test::error_of([&] { open_model_file(path_.string(), config); }),
              HasSubstr("pos_conv_embed.batch_norm.running_var [48] is missing"));
}

/// soft-VC's own names and nothing else said: its one architecture, and what is missing listed under them.
TEST_F(ModelFileTest, AnIncompleteSoftVcModelIsRecognisedAsThat) {
  const Tensors tensors = {
      {"module.feature_extractor.conv0.weight", {{512, 1, 10}, std::vector<float>(5120)}},
      {"module.feature_extractor.norm0.weight", {{512}, std::vector<float>(512)}},
      {"module.proj.weight", {{256, 768}, std::vector<float>(256 * 768)}},
      {"module.label_embedding.weight", {{100, 256}, std::vector<float>(25600)}}};
  test::write_tensors(path_, tensors);
  EXPECT_THAT(
      test::error_of([&] { open_model_file(path_.string(), {}); }),
      AllOf(HasSubstr("soft-vc layout"), HasSubstr("feature_extractor.norm0.bias [512] is missing"),
            HasSubstr("feature_extractor.conv1.weight [512, 512, 3] is missing"),
            HasSubstr("feature_projection.norm.weight [512] is missing"), Not(HasSubstr("label_emb"))));
}

TEST_F(ModelFileTest, PackedAttentionIsMissingAsOneTensor) {
  std::map<std::string, test::Reference> tensors;
  const ModelConfig config = tiny_config();
  for (const auto& [name, tensor] : test::synthetic_tensors(config))
    if (name.find("_proj.") == std::string::npos) tensors[name_in_layout(Layout::kSoftVc, name)] = tensor;
  for (const auto& [name, tensor] : test::synthetic_tensors(config))
    if (name.starts_with("post_extract_proj.")) tensors[name_in_layout(Layout::kSoftVc, name)] = tensor;
  const std::string error = error_for(tensors);
  const std::string missing = "encoder.layers.0.self_attn.in_proj_weight [144, 48] is missing";
  EXPECT_THAT(error, HasSubstr(missing));
  EXPECT_EQ(error.find(missing), error.rfind(missing)) << error;
}

TEST_F(ModelFileTest, NothingSaidOfNormalisationIsWorthAWord) {
  const Tensors tensors = tiny_tensors();
  const auto hf = test::read_file(test::oracle() / "checkpoints" / "tiny.hf" / "config.json");
  test::write_file(folder_ / "config.json", hf);
  test::write_tensors(path_, tensors);
  EXPECT_THAT(open_model_file(path_.string(), {}).info.warnings,
              testing::ElementsAre(HasSubstr("--normalize")));
  test::write_file(folder_ / "preprocessor_config.json", std::string(R"({"do_normalize": false})"));
  EXPECT_THAT(open_model_file(path_.string(), {}).info.warnings, testing::IsEmpty());
  std::filesystem::remove(folder_ / "preprocessor_config.json");
  nlohmann::json contentvec = test::read_json(folder_ / "config.json");
  contentvec["architectures"] = {"HubertModelWithFinalProj"};
  test::write_file(folder_ / "config.json", contentvec.dump());
  EXPECT_THAT(open_model_file(path_.string(), {}).info.warnings, testing::IsEmpty());
}

TEST_F(ModelFileTest, StopsListingAtTen) {
  Tensors tensors = tiny_tensors();
  std::erase_if(tensors,
                [](const auto& entry) { return entry.first.starts_with("hubert.encoder.layers.2."); });
  EXPECT_THAT(error_for(tensors), HasSubstr("and 6 more"));
}

TEST_F(ModelFileTest, ATensorTheConfigurationHasNoPlaceForIsAnError) {
  Tensors tensors = tiny_tensors();
  tensors["hubert.feature_extractor.conv_layers.3.conv.bias"] = {{24}, std::vector<float>(24)};
  EXPECT_THAT(error_for(tensors), AllOf(HasSubstr("conv_layers.3.conv.bias"), HasSubstr("no place")));
}

TEST_F(ModelFileTest, ANonFiniteWeightIsAnError) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    Tensors tensors = tiny_tensors();
    tensors["hubert.encoder.layers.1.attention.k_proj.bias"].values[17] = bad;
    test::write_tensors(path_, tensors);
    EXPECT_THAT(test::error_of([&] { Model::load(path_.string(), {.config = tiny_config()}); }),
                AllOf(HasSubstr("k_proj.bias"), HasSubstr("element 17")));
  }
}

TEST_F(ModelFileTest, WarnsOfUnknownTensorsByName) {
  Tensors tensors = tiny_tensors();
  tensors["hubert.surprise"] = {{1}, {0.0F}};
  tensors["lm_head.weight"] = {{1}, {0.0F}};
  test::write_tensors(path_, tensors);
  const ModelInfo info = open_model_file(path_.string(), tiny_config()).info;
  ASSERT_EQ(info.warnings.size(), 1U);
  EXPECT_THAT(info.warnings[0], AllOf(HasSubstr("hubert.surprise"), Not(HasSubstr("lm_head"))));
}

TEST_F(ModelFileTest, RefusesOtherModelsNamingTheTensor) {
  Tensors tensors = tiny_tensors();
  tensors["hubert.encoder.layers.0.attention.gru_rel_pos_linear.weight"] = {{1}, {0.0F}};
  EXPECT_THAT(error_for(tensors), AllOf(HasSubstr("WavLM"), HasSubstr("gru_rel_pos_linear")));
}

/// Where normalisation is read from with these files beside the weights, and whether it is on.
TEST_F(ModelFileTest, NormalisationOfAudioFeatureExtractors) {
  struct Case {
    const char* preprocessor;
    const char* processor;
    std::string source;
    bool on;
  };
  test::write_tensors(path_, tiny_tensors());
  const std::string usual = open_model_file(path_.string(), tiny_config()).info.normalize_source;
  for (
      const Case& c : std::vector<Case>{
          {"", R"({"do_normalize": true})", "processor_config.json", true},
          {"", R"({"feature_extractor": {"do_normalize": true}})", "processor_config.json", true},
          {"", R"({"audio_processor": {"do_normalize": true}})", "processor_config.json", true},
          {"",
           R"({"feature_extractor": {"do_normalize": true, "feature_extractor_type": "Wav2Vec2FeatureExtractor"},
                "processor_class": "Wav2Vec2Processor"})",
           "processor_config.json", true},
          {R"({"do_normalize": false})", R"({"do_normalize": true})", "preprocessor_config.json", false},
          {R"({"do_normalize": true, "image_processor_type": "ViTImageProcessor"})", "", usual, false},
          {R"({"do_normalize": true, "feature_extractor_type": "ViTFeatureExtractor"})", "", usual, false},
          {R"({"do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "size": 224})", "", usual, false},
          {R"({"do_normalize": true, "image_processor_type": "ViTImageProcessor"})",
           R"({"feature_extractor": {"do_normalize": true}})", "processor_config.json", true},
          {"", R"({"image_processor": {"do_normalize": true}})", usual, false},
          {R"({"do_normalize": "yes"})", R"({"feature_extractor": "Wav2Vec2"})", usual, false}}) {
    for (const auto& [name, text] : {std::pair("preprocessor_config.json", c.preprocessor),
                                     std::pair("processor_config.json", c.processor)}) {
      std::filesystem::remove(folder_ / name);
      if (*text != '\0') test::write_file(folder_ / name, std::string(text));
    }
    const ModelInfo info = open_model_file(path_.string(), tiny_config()).info;
    EXPECT_EQ(info.normalize_source, c.source) << c.preprocessor << c.processor;
    EXPECT_EQ(info.config.normalize, c.on) << c.preprocessor << c.processor;
  }
}

TEST_F(ModelFileTest, TheConfigurationComesFromTheFirstThatSaysIt) {
  const Tensors tensors = tiny_tensors();
  ModelConfig own = tiny_config();
  own.layer_norm_eps = 1e-4F;
  own.normalize = true;
  const auto hf = test::read_file(test::oracle() / "checkpoints" / "tiny.hf" / "config.json");
  test::write_file(folder_ / "config.json", hf);
  test::write_file(folder_ / "preprocessor_config.json", std::string(R"({"do_normalize": true})"));

  test::write_tensors(path_, tensors, {{"contentvec.config", own.to_json()}});
  ModelInfo info = open_model_file(path_.string(), tiny_config()).info;
  EXPECT_EQ(info.config_source, "given by the caller");
  EXPECT_EQ(info.config.layer_norm_eps, 1e-5F);
  EXPECT_EQ(info.normalize_source, "preprocessor_config.json") << "the given configuration does not say";

  info = open_model_file(path_.string(), {}).info;
  EXPECT_EQ(info.config_source, "metadata contentvec.config");
  EXPECT_EQ(info.config, own);

  test::write_tensors(path_, tensors);
  info = open_model_file(path_.string(), {}).info;
  EXPECT_EQ(info.config_source, "config.json");
  EXPECT_EQ(info.config.normalize, true);

  std::filesystem::remove(folder_ / "preprocessor_config.json");
  EXPECT_EQ(open_model_file(path_.string(), {}).info.config.normalize, false) << "base says nothing: off";

  test::write_file(folder_ / "config.json", std::string(R"({"train": {"segment_size": 12800}})"));
  EXPECT_THAT(test::error_of([&] { open_model_file(path_.string(), {}); }), HasSubstr("--config"))
      << "some other program's config.json";
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_THAT(test::error_of([&] { open_model_file(path_.string(), {}); }), HasSubstr("--config"));
}

TEST_F(ModelFileTest, ReadsAPositionalConvolutionWithoutWeightNorm) {
  Tensors tensors = tiny_tensors();
  const std::string conv = "hubert.encoder.pos_conv_embed.conv.";
  const test::Reference g = tensors.at(conv + "parametrizations.weight.original0");
  const test::Reference v = tensors.at(conv + "parametrizations.weight.original1");
  test::write_tensors(path_, tensors);
  const std::vector<float> folded = open_model_file(path_.string(), tiny_config()).weights.read_pos_conv();
  for (size_t tap = 0; tap < g.values.size(); ++tap) {
    double norm = 0;
    for (size_t i = tap; i < v.values.size(); i += g.values.size())
      norm += std::pow(static_cast<double>(v.values[i]), 2);
    EXPECT_NEAR(folded[tap], g.values[tap] * v.values[tap] / std::sqrt(norm), 1e-7) << "tap " << tap;
  }
  tensors.erase(conv + "parametrizations.weight.original0");
  tensors.erase(conv + "parametrizations.weight.original1");
  tensors[conv + "weight"] = {v.shape, folded};
  test::write_tensors(path_, tensors);
  EXPECT_EQ(open_model_file(path_.string(), tiny_config()).weights.read_pos_conv(), folded);
  // converted, it has the weight norm that the layouts' own programs expect, and is the same but for g's
  // rounding
  for (const auto layout : {Layout::kFairseq, Layout::kMlx}) {
    const std::filesystem::path out = folder_ / "converted.safetensors";
    export_model(path_.string(), out, {.layout = layout, .config = tiny_config()});
    const Weights converted = open_model_file(out.string(), {}).weights;
    EXPECT_TRUE(converted.has("encoder.pos_conv.0.weight_g"));
    EXPECT_LE(test::max_abs_error(converted.read_pos_conv(), folded), 2e-7);  // of values up to 0.5
  }
}

TEST_F(ModelFileTest, TellsWhatTheModelIsWhereTheFileDoes) {
  const auto kind = [](const char* file, const char* config) {
    return open_model_file((test::oracle() / "checkpoints" / file).string(),
                           ModelConfig::from_json_file(test::oracle() / "configs" / config))
        .info.kind;
  };
  EXPECT_EQ(kind("tiny-speaker.contentvec.pt", "tiny-speaker.json"), "ContentVec");
  EXPECT_EQ(kind("tiny.mlx.safetensors", "tiny.json"), "ContentVec");
  EXPECT_THAT(kind("tiny.fairseq.pt", "tiny.json"), HasSubstr("not told"));
}

TEST(Inspect, GivesTheDigestOfTheFile) {
  const std::string path = (test::oracle() / "checkpoints" / "tiny.fairseq.pt").string();
  const ModelInfo info = inspect(path);
  EXPECT_EQ(info.sha256.size(), 64U);
  EXPECT_EQ(info.source, path);
  EXPECT_EQ(inspect("synthetic:base").sha256, "");
  EXPECT_EQ(inspect("synthetic:base").parameters, 94567808);
}

}  // namespace
}  // namespace contentvec::hubert
