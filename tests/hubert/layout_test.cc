#include "hubert/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "hubert/found_tensors.h"
#include "hubert/infer_config.h"
#include "hubert/synthetic.h"
#include "hubert/weights.h"
#include "support.h"

namespace contentvec::hubert {
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

constexpr std::array kLayouts = {Layout::kFairseq, Layout::kHf, Layout::kMlx, Layout::kTorchaudio,
                                 Layout::kSoftVc};

TEST(Layout, EveryNameSurvivesTheWayThereAndBack) {
  for (const char* config : {"tiny", "tiny-large", "tiny-speaker", "tiny-oddpos"}) {
    const bool layer_norm = std::string(config) == "tiny-large";
    for (const Layout layout : kLayouts) {
      if (layout == Layout::kSoftVc && std::string(config) != "tiny")
        continue;  // it has but one architecture
      const RecognisedLayout recognised = {layout, "model.", false, layer_norm};
      for (const tensors::TensorSpec& spec : tensor_table(oracle_config(config), {})) {
        const NameMeaning meaning = meaning_of(recognised, "model." + name_in_layout(layout, spec.name));
        EXPECT_EQ(meaning.kind, Kind::kTensor) << spec.name;
        if (meaning.canonical.find(".in_proj_") != std::string::npos) continue;
        EXPECT_EQ(meaning.canonical, spec.name) << config << " " << layout_name(layout);
      }
    }
  }
}

TEST(Layout, NamesOfABatchNormSurviveTheWayThereAndBack) {
  ModelConfig config = oracle_config("tiny");
  config.conv_pos_batch_norm = true;
  for (const Layout layout : {Layout::kFairseq, Layout::kHf, Layout::kTorchaudio}) {
    const RecognisedLayout recognised = {layout, "", false, false, true};
    for (const tensors::TensorSpec& spec : tensor_table(config, {.weight_norm = false})) {
      EXPECT_EQ(meaning_of(recognised, name_in_layout(layout, spec.name, true)).canonical, spec.name);
    }
  }
}

/// Names as their programs write them.
TEST(Layout, ReadsOtherProgramsNames) {
  const auto canonical = [](Layout layout, const char* name) {
    const NameMeaning meaning = meaning_of({layout, "", false, false, true}, name);
    return meaning.kind == Kind::kTensor ? meaning.canonical : "not a tensor of the model";
  };
  const std::vector<std::array<const char*, 2>> soft_vc = {
      {"feature_extractor.conv0.weight", "feature_extractor.conv_layers.0.0.weight"},
      {"feature_extractor.conv6.weight", "feature_extractor.conv_layers.6.0.weight"},
      {"feature_extractor.norm0.bias", "feature_extractor.conv_layers.0.2.bias"},
      {"feature_projection.norm.weight", "layer_norm.weight"},
      {"feature_projection.projection.bias", "post_extract_proj.bias"},
      {"positional_embedding.conv.weight_g", "encoder.pos_conv.0.weight_g"},
      {"norm.weight", "encoder.layer_norm.weight"},
      {"encoder.layers.11.self_attn.out_proj.weight", "encoder.layers.11.self_attn.out_proj.weight"},
      {"encoder.layers.11.self_attn.in_proj_bias", "encoder.layers.11.self_attn.in_proj_bias"},
      {"encoder.layers.3.linear1.weight", "encoder.layers.3.fc1.weight"},
      {"encoder.layers.3.linear2.bias", "encoder.layers.3.fc2.bias"},
      {"encoder.layers.3.norm1.weight", "encoder.layers.3.self_attn_layer_norm.weight"},
      {"encoder.layers.3.norm2.bias", "encoder.layers.3.final_layer_norm.bias"},
      {"proj.weight", "final_proj.weight"}};
  for (const auto& [name, expected] : soft_vc) EXPECT_EQ(canonical(Layout::kSoftVc, name), expected);
  const std::vector<std::array<const char*, 2>> torchaudio = {
      {"feature_extractor.conv_layers.0.layer_norm.weight", "feature_extractor.conv_layers.0.2.weight"},
      {"encoder.feature_projection.layer_norm.weight", "layer_norm.weight"},
      {"encoder.feature_projection.projection.weight", "post_extract_proj.weight"},
      {"encoder.transformer.pos_conv_embed.conv.bias", "encoder.pos_conv.1.bias"},
      {"encoder.transformer.layer_norm.weight", "encoder.layer_norm.weight"},
      {"encoder.transformer.layers.7.attention.q_proj.bias", "encoder.layers.7.self_attn.q_proj.bias"},
      {"encoder.transformer.layers.7.layer_norm.weight", "encoder.layers.7.self_attn_layer_norm.weight"},
      {"encoder.transformer.layers.7.feed_forward.intermediate_dense.weight", "encoder.layers.7.fc1.weight"},
      {"encoder.transformer.layers.7.final_layer_norm.bias", "encoder.layers.7.final_layer_norm.bias"}};
  for (const auto& [name, expected] : torchaudio) EXPECT_EQ(canonical(Layout::kTorchaudio, name), expected);
  EXPECT_EQ(meaning_of({Layout::kTorchaudio, "wav2vec2."}, "logit_generator.final_proj.bias").canonical,
            "final_proj.bias");
  EXPECT_EQ(meaning_of({Layout::kTorchaudio, ""}, "aux.weight").kind, Kind::kSkipped);
  EXPECT_EQ(canonical(Layout::kHf, "encoder.pos_conv_embed.batch_norm.running_var"),
            "encoder.pos_conv.0.running_var");
  EXPECT_EQ(canonical(Layout::kHf, "encoder.pos_conv_embed.conv.weight"), "encoder.pos_conv.1.weight");
}

TEST(Layout, IsRecognisedWithItsPrefix) {
  const Checkpoint file = synthetic("tiny");
  for (const Layout layout : kLayouts) {
    for (const char* prefix : {"", "hubert.", "wav2vec2.", "module.w2v_encoder.w2v_model."}) {
      const RecognisedLayout found = recognise_layout(renamed(file, layout, prefix));
      EXPECT_EQ(found.layout, layout);
      EXPECT_EQ(found.prefix, prefix);
      EXPECT_FALSE(found.channels_last);
      EXPECT_FALSE(found.layer_norm_frontend);
    }
  }
  for (const Layout layout : {Layout::kHf, Layout::kTorchaudio, Layout::kMlx})
    EXPECT_TRUE(recognise_layout(renamed(synthetic("tiny-large"), layout, "")).layer_norm_frontend);
}

TEST(Layout, WrappersComponentsAreNoPartOfAName) {
  Checkpoint file;
  for (const char* name :
       {"_orig_mod.encoder.layers.0._checkpoint_wrapped_module.fc1.weight", "module._orig_mod.mask_emb",
        "_fsdp_wrapped_module.encoder._fsdp_wrapped_module.layers.1.fc1.weight",
        "encoder._fsdp_wrapped_module._fpw_module.x", "my_orig_mod.weight", "last._orig_mod"}) {
    file.tensors[name].name = name;
  }
  strip_wrappers(file);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors) names.push_back(name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("encoder.layers.0.fc1.weight", "module.mask_emb",
                                                   "encoder.layers.1.fc1.weight", "encoder.x",
                                                   "my_orig_mod.weight", "last._orig_mod"));
  EXPECT_EQ(file.tensors.at("encoder.x").name, "encoder._fsdp_wrapped_module._fpw_module.x");
  file.tensors["_orig_mod.encoder.x"].name = "_orig_mod.encoder.x";
  EXPECT_THAT(test::error_of([&] { strip_wrappers(file); }),
              HasSubstr("tensors _orig_mod.encoder.x and encoder.x stand for the same"));
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

FoundTensors found_tensors(const ModelConfig& config) {
  FoundTensors found;
  for (const tensors::TensorSpec& spec : tensor_table(config, {.weight_norm = !config.conv_pos_batch_norm})) {
    found.tensors.add(spec.name, {.name = spec.name, .shape = spec.shape, .strides = {}, .storage = nullptr});
  }
  return found;
}

ModelConfig of_size(int width, int inner, int blocks, int heads) {
  ModelConfig config;
  config.encoder_embed_dim = width;
  config.encoder_ffn_embed_dim = inner;
  config.encoder_layers = blocks;
  config.encoder_attention_heads = heads;
  return config;
}

ModelConfig large(ModelConfig config) {
  config.extractor_mode = ExtractorMode::kLayerNorm;
  config.layer_norm_first = true;
  config.conv_bias = true;
  return config;
}

TEST(InferConfig, KnowsTheFamiliesPeopleHave) {
  ModelConfig contentvec;
  contentvec.encoder_layers_1 = 3;
  contentvec.speaker_dim = 192;
  ModelConfig distilled = of_size(768, 3072, 2, 12);
  distilled.feat_proj_layer_norm = false;
  ModelConfig hubert_large = large(of_size(1024, 4096, 24, 16));
  hubert_large.conv_bias = false;
  for (const ModelConfig& config :
       {ModelConfig(), contentvec, distilled, of_size(768, 3072, 9, 12), of_size(1024, 4096, 24, 16),
        hubert_large, large(of_size(1024, 4096, 24, 16)),  // XLS-R 300M
        large(of_size(1280, 5120, 48, 16)),                // HuBERT X-Large, XLS-R 1B
        large(of_size(1920, 7680, 48, 16))}) {             // XLS-R 2B
    EXPECT_EQ(infer_config(found_tensors(config), "m.pt"), config);
  }
}

TEST(InferConfig, AsksForAConfigWhereItCannotKnow) {
  const auto error_for = [](const ModelConfig& config) {
    return test::error_of([&] { infer_config(found_tensors(config), "m.pt"); });
  };
  EXPECT_THAT(error_for(oracle_config("tiny")),
              AllOf(HasSubstr("m.pt"), HasSubstr("24, 24"), HasSubstr("--config")));
  ModelConfig kernels;
  kernels.conv_layers[3].kernel = 5;
  EXPECT_THAT(error_for(kernels), AllOf(HasSubstr("10, 3, 3, 5"), HasSubstr("--config")));
  ModelConfig convs;
  convs.conv_layers.pop_back();
  EXPECT_THAT(error_for(convs), HasSubstr("--config"));
  ModelConfig slow;  // 25 frames a second; its last convolution's stride could be another
  slow.conv_layers.push_back({512, 2, 2});
  EXPECT_THAT(error_for(slow), HasSubstr("--config"));
  // 64 divides these widths, and says nothing of their heads
  for (const ModelConfig& config :
       {of_size(512, 2048, 12, 8), of_size(768, 2048, 12, 12), of_size(768, 3072, 13, 12),
        of_size(1280, 5120, 48, 16), large(of_size(1280, 3072, 24, 16)), large(of_size(1920, 7680, 49, 16)),
        large(of_size(2048, 8192, 60, 16)),
        large(of_size(768, 3072, 12, 12))}) {  // of the last nobody knows where its norms stand
    EXPECT_THAT(error_for(config), AllOf(HasSubstr(std::to_string(config.encoder_embed_dim)),
                                         HasSubstr("attention heads"), HasSubstr("--config")));
  }
  ModelConfig batch_norm;
  batch_norm.conv_pos_batch_norm = true;
  EXPECT_THAT(error_for(batch_norm), AllOf(HasSubstr("BatchNorm"), HasSubstr("--config")));
  ModelConfig groups;
  groups.conv_pos_groups = 8;
  EXPECT_THAT(error_for(groups), AllOf(HasSubstr("8 groups"), HasSubstr("--config")));
}

TEST(Layout, OtherProgramsModelsAreNamedAsWhatTheyAre) {
  const std::map<std::string, std::vector<const char*>> files = {
      {"an RVC voice",
       {"dec.conv_pre.weight", "emb_g.weight", "enc_p.emb_phone.weight", "flow.flows.0.pre.weight"}},
      {"the discriminator", {"discriminators.0.convs.0.weight_g"}},
      {"RMVPE", {"cnn.weight", "fc.1.weight", "unet.encoder.bn.weight"}},
      {"FCPE", {"cent_table", "input_stack.0.weight", "output_proj.weight_v"}},
      {"FCPE, a pitch", {"cent_table", "decoder.x", "dense_out.weight_g", "stack.0.weight"}},
      {"an optimizer's state", {"exp_avg", "exp_avg_sq", "step"}},
  };
  for (const auto& [kind, names] : files) {
    checkpoint::Checkpoint file;
    file.source = "other.pth";
    for (const char* name : names) file.tensors[name].name = name;
    EXPECT_THAT(test::error_of([&f = file] { static_cast<void>(recognise_layout(f)); }),
                testing::AllOf(testing::HasSubstr("other.pth"), testing::HasSubstr("found " + kind)));
  }
}

}  // namespace
}  // namespace contentvec::hubert
