#include "contentvec/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "hubert/config_json.h"
#include "hubert/conv_expression.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string error_from(const std::string& json) {
  return test::error_of([&] { ModelConfig::from_json(json, "c.json"); });
}

TEST(ModelConfig, DefaultsAreBase) {
  EXPECT_EQ(ModelConfig::from_json_file(test::oracle() / "configs" / "base.json"), ModelConfig());
}

TEST(ModelConfig, KnowsReceptiveFieldHopAndFrames) {
  const ModelConfig base;
  EXPECT_EQ(base.receptive_field(), 400);
  EXPECT_EQ(base.hop(), 320);
  EXPECT_EQ(base.frames(399), 0);
  EXPECT_EQ(base.frames(400), 1);
  EXPECT_EQ(base.frames(719), 1);
  EXPECT_EQ(base.frames(720), 2);
  EXPECT_EQ(base.frames(48000), 149);
  EXPECT_EQ(base.frames(0), 0);
}

TEST(ModelConfig, SurvivesItsOwnJson) {
  for (const char* name : {"base", "tiny", "tiny-large", "tiny-masked", "tiny-oddpos", "tiny-speaker"}) {
    ModelConfig config =
        ModelConfig::from_json_file(test::oracle() / "configs" / (std::string(name) + ".json"));
    EXPECT_EQ(ModelConfig::from_json(config.to_json()), config) << name;
    config.normalize = true;
    config.feat_proj_layer_norm = false;
    config.layer_norm_eps = 1e-6F;
    config.speaker_dim = 64;
    EXPECT_EQ(ModelConfig::from_json(config.to_json()), config) << name;
  }
}

TEST(ModelConfig, ReadsHuggingFace) {
  const auto folder = test::oracle() / "checkpoints";
  ModelConfig tiny = ModelConfig::from_json_file(test::oracle() / "configs" / "tiny.json");
  EXPECT_EQ(ModelConfig::from_json_file(folder / "tiny.hf" / "config.json"), tiny);
  ModelConfig large = ModelConfig::from_json_file(test::oracle() / "configs" / "tiny-large.json");
  EXPECT_EQ(ModelConfig::from_json_file(folder / "tiny-large.hf" / "config.json"), large);
  const ModelConfig distil = ModelConfig::from_json(
      R"({"model_type": "hubert", "hidden_size": 768, "num_hidden_layers": 2, "feat_proj_layer_norm": false})");
  EXPECT_FALSE(distil.feat_proj_layer_norm);
  EXPECT_EQ(distil.encoder_layers, 2);
  EXPECT_EQ(distil.conv_layers, ModelConfig().conv_layers);
}

TEST(ModelConfig, RefusesWhatItDoesNotCompute) {
  const auto hf = [](const std::string& more) { return R"({"hidden_size": 768, )" + more + "}"; };
  EXPECT_THAT(error_from(hf(R"("model_type": "wavlm")")), AllOf(HasSubstr("c.json"), HasSubstr("wavlm")));
  EXPECT_THAT(error_from(hf(R"("hidden_act": "relu")")), HasSubstr("relu"));
  EXPECT_THAT(error_from(hf(R"("feat_extract_activation": "gelu_new")")), HasSubstr("gelu_new"));
  EXPECT_THAT(error_from(hf(R"("add_adapter": true)")), HasSubstr("adapter"));
  EXPECT_THAT(error_from(hf(R"("adapter_attn_dim": 16)")), HasSubstr("adapter"));
}

TEST(ModelConfig, RefusesFairseqModelsItDoesNotCompute) {
  const auto error_of_cfg = [](const std::string& more) {
    ModelConfig config;
    const auto cfg = nlohmann::json::parse(R"({"model": {"encoder_embed_dim": 768, )" + more + "}}");
    return test::error_of([&] { hubert::config_from_fairseq(cfg, "m.pt", config); });
  };
  EXPECT_THAT(error_of_cfg(R"("activation_fn": "relu")"), AllOf(HasSubstr("m.pt"), HasSubstr("relu")));
  EXPECT_THAT(error_of_cfg(R"("layer_type": "conformer")"), HasSubstr("conformer"));
  EXPECT_THAT(error_of_cfg(R"("relative_position_embedding": true)"), HasSubstr("WavLM"));
  EXPECT_THAT(error_of_cfg(R"("pos_conv_depth": 5)"), HasSubstr("data2vec"));
}

TEST(ModelConfig, ReadsFairseqsCfgAndArgs) {
  ModelConfig config;
  const auto cfg = nlohmann::json::parse(R"({"task": {"normalize": true},
    "model": {"encoder_embed_dim": 1024, "encoder_attention_heads": 16, "extractor_mode": "layer_norm",
              "conv_feature_layers": "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2", "layer_norm_first": true}})");
  ASSERT_TRUE(hubert::config_from_fairseq(cfg, "m.pt", config));
  EXPECT_EQ(config.encoder_embed_dim, 1024);
  EXPECT_EQ(config.normalize, true);
  EXPECT_EQ(config.conv_layers, ModelConfig().conv_layers);
  EXPECT_EQ(config.extractor_mode, ExtractorMode::kLayerNorm);
  const auto args =
      nlohmann::json::parse(R"({"arch": "hubert", "encoder_embed_dim": 96, "normalize": false})");
  ASSERT_TRUE(hubert::config_from_fairseq(args, "m.pt", config));
  EXPECT_EQ(config.encoder_embed_dim, 96);
  EXPECT_EQ(config.normalize, false);
  const auto fine_tuned = nlohmann::json::parse(
      R"({"model": {"_name": "hubert_ctc", "w2v_args": {"model": {"encoder_embed_dim": 192}}}})");
  ASSERT_TRUE(hubert::config_from_fairseq(fine_tuned, "m.pt", config));
  EXPECT_EQ(config.encoder_embed_dim, 192);
  EXPECT_FALSE(hubert::config_from_fairseq(nlohmann::json(), "m.pt", config));
  EXPECT_FALSE(
      hubert::config_from_fairseq(nlohmann::json::parse(R"({"model": {"arch": "gan"}})"), "m.pt", config));
  EXPECT_EQ(config.encoder_embed_dim, 192) << "left alone";
}

TEST(ModelConfig, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(error_from("nonsense"), AllOf(HasSubstr("c.json"), HasSubstr("JSON")));
  EXPECT_THAT(error_from("[1]"), HasSubstr("object"));
  EXPECT_THAT(error_from("{}"), AllOf(HasSubstr("encoder_embed_dim"), HasSubstr("hidden_size")));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": "wide"})"),
              AllOf(HasSubstr("encoder_embed_dim"), HasSubstr("wide")));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768.5})"), HasSubstr("768.5"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 99999999999})"), HasSubstr("99999999999"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": -768})"), HasSubstr("-768"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 770})"),
              AllOf(HasSubstr("encoder_attention_heads"), HasSubstr("770")));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "conv_pos_groups": 7})"),
              HasSubstr("conv_pos_groups"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "encoder_layers": 0})"), HasSubstr("encoder_layers"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "conv_layers": []})"), HasSubstr("conv_layers"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "conv_layers": [[512, 10]]})"), HasSubstr("kernel"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "conv_layers": [[512, 10, 0]]})"),
              HasSubstr("stride"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "extractor_mode": "batch"})"), HasSubstr("batch"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "layer_norm_first": 1})"), HasSubstr("true or false"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "layer_norm_eps": 0})"), HasSubstr("layer_norm_eps"));
  EXPECT_THAT(error_from(R"({"encoder_embed_dim": 768, "layer_norm_first": true, "encoder_layers_1": 3})"),
              HasSubstr("speaker"));
  EXPECT_THAT(error_from(R"({"hidden_size": 768, "conv_dim": [512]})"), HasSubstr("one length"));
  std::string convs = R"({"encoder_embed_dim": 768, "conv_layers": [[512, 4096, 4096])";
  for (int i = 0; i < 10; ++i) convs += ", [512, 4096, 4096]";
  EXPECT_THAT(error_from(convs + "]}"), HasSubstr("reach"));
  EXPECT_THAT(test::error_of([] { ModelConfig::from_json_file("/no/such.json"); }),
              HasSubstr("/no/such.json"));
  EXPECT_THAT(test::error_of([] { ModelConfig::from_json_file("/tmp"); }), HasSubstr("/tmp"));
}

TEST(ConvExpression, ReadsPythonLists) {
  using Convs = std::vector<ConvLayer>;
  const auto parse = [](const char* text) { return hubert::parse_conv_layers(text, "m.pt"); };
  EXPECT_EQ(parse("[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2"), ModelConfig().conv_layers);
  EXPECT_EQ(parse("[(512, 10, 5)] + 4 * [(512, 3, 2)] + 2*[(512,2,2)]"), ModelConfig().conv_layers);
  EXPECT_EQ(parse("[(24, 10, 5), (24, 3, 2)]"), (Convs{{24, 10, 5}, {24, 3, 2}}));
  EXPECT_EQ(parse(" [ [1,2,3] , ] "), (Convs{{1, 2, 3}}));
}

TEST(ConvExpression, RefusesEverythingElse) {
  for (const char* text :
       {"", "[", "[(1,2)]", "[(1,2,3]", "[(1,2,3)] *", "[(1,2,3)] * 99999999999", "[(1,2,3)] + ",
        "__import__('os').system('true')", "[(1,2,3)] * 64 + [(1,2,3)] * 64", "[(-1,2,3)]",
        "[(1,2,3)(4,5,6)]", "[(1,2,3)] junk"}) {
    EXPECT_THAT(test::error_of([&] { hubert::parse_conv_layers(text, "m.pt"); }), HasSubstr("m.pt")) << text;
  }
}

}  // namespace
}  // namespace contentvec
