#include "model/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "model/found_tensors.h"
#include "model/infer_config.h"
#include "model/synthetic.h"
#include "model/weights.h"
#include "support.h"

namespace contentvec::model {
namespace {

using checkpoint::Checkpoint;
using testing::AllOf;
using testing::HasSubstr;
using Kind = NameMeaning::Kind;

ModelConfig oracle_config(const std::string& name) {
  return ModelConfig::from_json_file(test::oracle() / "configs" / (name + ".json"));
}

Checkpoint synthetic(const std::string& config) {
  return synthetic_checkpoint("synthetic:" + (test::oracle() / "configs" / (config + ".json")).string());
}

/// The same tensors under another layout's names.
Checkpoint renamed(const Checkpoint& file, Layout layout, const std::string& prefix) {
  Checkpoint result = file;
  result.tensors.clear();
  for (const auto& [name, tensor] : file.tensors) {
    const std::string to = prefix + name_in_layout(layout, name);
    result.tensors[to] = tensor;
    result.tensors[to].name = to;
  }
  return result;
}

TEST(Layout, EveryNameSurvivesTheWayThereAndBack) {
  for (const char* config : {"tiny", "tiny-large", "tiny-speaker", "tiny-oddpos"}) {
    const bool layer_norm = std::string(config) == "tiny-large";
    for (const Layout layout : {Layout::kFairseq, Layout::kHf, Layout::kMlx}) {
      const RecognisedLayout recognised = {layout, "model.", false, layer_norm};
      for (const TensorSpec& spec : tensor_table(oracle_config(config), {})) {
        const NameMeaning meaning = meaning_of(recognised, "model." + name_in_layout(layout, spec.name));
        EXPECT_EQ(meaning.kind, Kind::kTensor) << spec.name;
        EXPECT_EQ(meaning.canonical, spec.name) << config << " " << layout_name(layout);
      }
    }
  }
}

TEST(Layout, IsRecognisedWithItsPrefix) {
  const Checkpoint file = synthetic("tiny");
  for (const Layout layout : {Layout::kFairseq, Layout::kHf, Layout::kMlx}) {
    for (const char* prefix : {"", "hubert.", "wav2vec2.", "module.w2v_encoder.w2v_model."}) {
      const RecognisedLayout found = recognise_layout(renamed(file, layout, prefix));
      EXPECT_EQ(found.layout, layout);
      EXPECT_EQ(found.prefix, prefix);
      EXPECT_FALSE(found.channels_last);
      EXPECT_FALSE(found.layer_norm_frontend);
    }
  }
  EXPECT_TRUE(recognise_layout(renamed(synthetic("tiny-large"), Layout::kHf, "")).layer_norm_frontend);
}

TEST(Layout, NotAModelSaysWhatWasFound) {
  Checkpoint file;
  file.source = "gan.pt";
  EXPECT_THAT(test::error_of([&] { recognise_layout(file); }),
              AllOf(HasSubstr("gan.pt"), HasSubstr("0 tensors")));
  file.tensors["generator.weight"] = {};
  EXPECT_THAT(test::error_of([&] { recognise_layout(file); }), HasSubstr("generator.weight"));
}

TEST(Layout, TwoModelsInOneFileAreRefused) {
  Checkpoint file = synthetic("tiny");
  for (const auto& [name, tensor] : renamed(file, Layout::kFairseq, "teacher.").tensors)
    file.tensors[name] = tensor;
  EXPECT_THAT(test::error_of([&] { recognise_layout(file); }), HasSubstr("2 models"));
}

TEST(Layout, SkipsWhatInferenceDoesNotNeed) {
  const RecognisedLayout fairseq = {Layout::kFairseq, "", false, false};
  const RecognisedLayout hf = {Layout::kHf, "hubert.", false, false};
  for (const char* name : {"mask_emb", "label_embs_concat", "layer_proj.0.weight",
                           "encoder.cond_layer_norm.weight_ln.weight", "quantizer.vars"}) {
    EXPECT_EQ(meaning_of(fairseq, name).kind, Kind::kSkipped) << name;
  }
  EXPECT_EQ(meaning_of(hf, "hubert.masked_spec_embed").kind, Kind::kSkipped);
  EXPECT_EQ(meaning_of(hf, "lm_head.weight").kind, Kind::kSkipped);
  EXPECT_EQ(meaning_of(hf, "final_proj.weight").canonical, "final_proj.weight") << "a head beside the prefix";
  EXPECT_EQ(meaning_of(hf, "encoder.layer_norm.weight").kind, Kind::kUnknown) << "outside the prefix";
  EXPECT_EQ(meaning_of(fairseq, "something.new").kind, Kind::kUnknown);
}

TEST(Layout, RefusesOtherModelsByName) {
  const RecognisedLayout fairseq = {Layout::kFairseq, "", false, false};
  const RecognisedLayout hf = {Layout::kHf, "", false, false};
  const auto refused = [](const RecognisedLayout& layout, const char* name) {
    const NameMeaning meaning = meaning_of(layout, name);
    EXPECT_EQ(meaning.kind, Kind::kUnsupported) << name;
    return meaning.canonical;
  };
  EXPECT_THAT(refused(fairseq, "encoder.layers.0.self_attn.relative_attention_bias.weight"),
              HasSubstr("WavLM"));
  EXPECT_THAT(refused(hf, "encoder.layers.0.attention.gru_rel_pos_const"), HasSubstr("WavLM"));
  EXPECT_THAT(refused(hf, "encoder.layers.0.adapter_layer.norm.weight"), HasSubstr("adapter"));
  EXPECT_THAT(refused(hf, "encoder.pos_conv_embed.batch_norm.weight"), HasSubstr("BatchNorm"));
  EXPECT_THAT(refused(fairseq, "encoder.pos_conv.0.running_mean"), HasSubstr("BatchNorm"));
  EXPECT_THAT(refused(hf, "encoder.pos_conv_embed.layers.0.conv.weight"), HasSubstr("data2vec"));
  EXPECT_THAT(refused(hf, "encoder.layers.0.conv_module.layer_norm.weight"), HasSubstr("Conformer"));
  EXPECT_THAT(refused(hf, "encoder.layers.0.attention.q_proj.lora_A.weight"), HasSubstr("LoRA"));
}

TEST(FoundTensors, AConflictNamesBothTensors) {
  Checkpoint file = synthetic("tiny");
  file.tensors["encoder.pos_conv.0.parametrizations.weight.original0"] =
      file.tensors.at("encoder.pos_conv.0.weight_g");
  file.tensors["encoder.pos_conv.0.parametrizations.weight.original0"].name = "original0";
  const RecognisedLayout layout = recognise_layout(file);
  EXPECT_THAT(test::error_of([&] { find_tensors(file, layout); }),
              AllOf(HasSubstr("original0"), HasSubstr("weight_g")));
}

TEST(InferConfig, ReadsEverythingOffNamesAndShapes) {
  // base, and a large pre-norm one with other sizes; the values are never made
  for (const bool large : {false, true}) {
    ModelConfig config;
    if (large) {
      config.extractor_mode = ExtractorMode::kLayerNorm;
      config.layer_norm_first = true;
      config.conv_bias = true;
      config.encoder_embed_dim = 1024;
      config.encoder_ffn_embed_dim = 4096;
      config.encoder_attention_heads = 16;
      config.encoder_layers = 24;
    } else {
      config.encoder_layers_1 = 3;
      config.speaker_dim = 192;
    }
    FoundTensors found;
    for (const TensorSpec& spec : tensor_table(config, {})) {
      found.entries[spec.name].tensor = {
          .name = spec.name, .shape = spec.shape, .strides = {}, .storage = nullptr};
    }
    EXPECT_EQ(infer_config(found, "m.pt"), config);
  }
}

TEST(InferConfig, AsksForAConfigWhereItCannotKnow) {
  const auto error_for = [](const ModelConfig& config) {
    FoundTensors found;
    for (const TensorSpec& spec : tensor_table(config, {})) {
      found.entries[spec.name].tensor = {
          .name = spec.name, .shape = spec.shape, .strides = {}, .storage = nullptr};
    }
    return test::error_of([&] { infer_config(found, "m.pt"); });
  };
  EXPECT_THAT(error_for(oracle_config("tiny")),
              AllOf(HasSubstr("m.pt"), HasSubstr("48"), HasSubstr("--config")));
  ModelConfig kernels;
  kernels.conv_layers[3].kernel = 5;
  EXPECT_THAT(error_for(kernels), AllOf(HasSubstr("10, 3, 3, 5"), HasSubstr("--config")));
  ModelConfig convs;
  convs.conv_layers.pop_back();
  EXPECT_THAT(error_for(convs), HasSubstr("--config"));
}

}  // namespace
}  // namespace contentvec::model
