// From a name to the files of a model.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "contentvec/contentvec.h"
#include "hub/hub_server.h"

namespace contentvec::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

/// Publishes a file of the reference data.
void publish(HubServer& hub, const std::string& repo, const std::string& name, const fs::path& file) {
  hub.publish(repo, name, text_of(oracle() / "checkpoints" / file));
}

TEST(Resolve, APathThatExistsWins) {
  HubServer hub;
  hub.publish("org/repo", "model.pt", "abc");
  const TemporaryFolder folder;
  fs::create_directories(folder / "org/repo");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  EXPECT_EQ(resolve("org/repo").path, "org/repo");
  EXPECT_EQ(resolve(folder.path().string()).path, folder.path());
  fs::current_path(before);
  EXPECT_THAT(hub.requests(), IsEmpty());
}

TEST(Resolve, WhatIsNeither) {
  HubServer hub;
  for (const char* spec : {"models/typo.pt", "nowhere", "/no/such/model.pt", "org/repo/../x"}) {
    EXPECT_THAT(error_of([&] { resolve(spec); }),
                AllOf(HasSubstr(spec), HasSubstr("no such file or folder"), HasSubstr("no model of the hub"),
                      HasSubstr("rvc-hubert-base"), HasSubstr("synthetic:base")));
  }
  EXPECT_THAT(hub.requests(), IsEmpty());
  EXPECT_THAT(error_of([] { resolve("no/such"); }),
              AllOf(HasSubstr("no such file or folder here"), HasSubstr("no public repository no/such")));
}

TEST(Resolve, ChoosesTheWeights) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"README.md", "pytorch_model.bin", "model.safetensors", "hubert_base.pt"}, "model.safetensors"},
      {{"pytorch_model.bin", "config.json", "tf_model.h5", "training_args.bin"}, "pytorch_model.bin"},
      {{"contentvec_base.safetensors", "README.md"}, "contentvec_base.safetensors"},
      {{"hubert_base.pt", "rmvpe.pt", "other.pth"}, "hubert_base.pt"},
      {{"a.safetensors", "b.safetensors", "pytorch_model.bin"}, "pytorch_model.bin"},
      {{"a.safetensors", "pytorch_model.bin"}, "pytorch_model.bin"},
      {{"model.fp16.safetensors", "config.json"}, "model.fp16.safetensors"},
      {{"checkpoint.pt", "sub/other.pt"}, "checkpoint.pt"},
      {{"weights.pth", "x.bin"}, "weights.pth"},
  };
  HubServer hub;
  int number = 0;
  for (const auto& [files, chosen] : cases) {
    const std::string repo = "org/repo" + std::to_string(++number);
    for (const std::string& file : files) hub.publish(repo, file, "abc");
    EXPECT_EQ(resolve(repo).path.filename(), chosen);
    EXPECT_EQ(find_cached(repo).value_or(""), resolve(repo, {.local_files_only = true}).path);
  }
}

TEST(Resolve, SaysWhatItLookedFor) {
  HubServer hub;
  hub.publish("org/two", "one.pt", "abc");
  hub.publish("org/two", "two.pt", "abc");
  hub.publish("org/none", "README.md", "abc");
  EXPECT_THAT(
      error_of([] { resolve("org/two"); }),
      AllOf(HasSubstr("model.safetensors"), HasSubstr("org/two/FILE"), HasSubstr("'one.pt', 'two.pt'")));
  EXPECT_THAT(error_of([] { resolve("org/none"); }),
              AllOf(HasSubstr("hubert_base.pt"), HasSubstr("org/none/FILE")));
}

TEST(Load, AHuggingFaceModelWithItsConfiguration) {
  HubServer hub;
  for (const char* file : {"config.json", "preprocessor_config.json", "pytorch_model.bin"})
    publish(hub, "org/tiny", file, fs::path("tiny.hf") / file);
  hub.publish("org/tiny", "README.md", "not needed");
  const Model local = Model::load((oracle() / "checkpoints/tiny.hf").string());
  const Model model = Model::load("org/tiny");
  EXPECT_EQ(model.info().config_source, "config.json");
  EXPECT_EQ(model.info().normalize_source, "preprocessor_config.json");
  EXPECT_THAT(model.info().warnings, IsEmpty());
  const std::vector<float> waveform(8000, 0.25F);
  EXPECT_EQ(model.extract(waveform).data, local.extract(waveform).data);
  EXPECT_FALSE(fs::exists(fs::path(model.info().source).parent_path() / "README.md"));

  EXPECT_EQ(inspect("org/tiny", {.hub = {.local_files_only = true}}).parameters, local.info().parameters);
  hub.stop();
  const Model again = Model::load("org/tiny");
  ASSERT_EQ(again.info().warnings.size(), 1U);
  EXPECT_THAT(again.info().warnings[0], HasSubstr("could not be asked"));
}

TEST(Load, ProcessorConfigOfTransformers5) {
  HubServer hub;
  for (const char* file : {"config.json", "pytorch_model.bin"})
    publish(hub, "org/tiny", file, fs::path("tiny.hf") / file);
  hub.publish("org/tiny", "processor_config.json",
              R"({"feature_extractor": {"do_normalize": true, "sampling_rate": 16000}})");
  const ModelInfo info = inspect("org/tiny");
  EXPECT_EQ(info.normalize_source, "processor_config.json");
  EXPECT_EQ(info.config.normalize, true);
}

TEST(Load, AModelInShards) {
  HubServer hub;
  const TemporaryFolder folder;
  export_model((oracle() / "checkpoints/tiny.hf").string(), folder / "whole.safetensors",
               {.layout = Layout::kHf});
  const std::string whole = text_of(folder / "whole.safetensors");
  // Both shards hold everything; the index says where to take each tensor from.
  nlohmann::json map;
  const size_t header_size =
      static_cast<unsigned char>(whole[0]) + 256U * static_cast<unsigned char>(whole[1]);
  int number = 0;
  const auto header = nlohmann::json::parse(whole.substr(8, header_size));
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") map[name] = ++number % 2 == 0 ? "model-1.safetensors" : "model-2.safetensors";
  }
  const std::string index = nlohmann::json({{"weight_map", map}}).dump();
  hub.publish("org/shards", "model.safetensors.index.json", index);
  hub.publish("org/shards", "model-1.safetensors", whole);
  EXPECT_THAT(error_of([] { Model::load("org/shards"); }), HasSubstr("model-2.safetensors"));
  EXPECT_FALSE(find_cached("org/shards"));
  hub.publish("org/shards", "model.safetensors.index.json", index, kNextCommit);
  hub.publish("org/shards", "model-1.safetensors", whole, kNextCommit);
  hub.publish("org/shards", "model-2.safetensors", whole, kNextCommit);
  const std::vector<float> waveform(8000, 0.25F);
  EXPECT_EQ(Model::load("org/shards").extract(waveform).data,
            Model::load((folder / "whole.safetensors").string()).extract(waveform).data);
}

TEST(Load, FromPretrained) {
  HubServer hub;
  publish(hub, "lexandstuff/mlx-contentvec", "contentvec_base.safetensors", "tiny.mlx.safetensors");
  publish(hub, "org/tiny", "a/model.pt", "tiny.fairseq.pt");
  publish(hub, "org/top", "model.pt", "tiny.fairseq.pt");
  const LoadOptions tiny = {.config = ModelConfig::from_json_file(oracle() / "configs/tiny.json")};
  EXPECT_EQ(Model::from_pretrained(tiny).info().layout, "mlx");
  EXPECT_EQ(Model::load("contentvec", tiny).info().layout, "mlx");
  EXPECT_EQ(Model::from_pretrained("org/tiny", "a/model.pt").info().layout, "fairseq");
  EXPECT_EQ(Model::from_pretrained("org/top", "").info().layout, "fairseq");
}

TEST(Export, FromAName) {
  HubServer hub;
  publish(hub, "org/tiny", "model.pt", "tiny.fairseq.pt");
  const TemporaryFolder folder;
  EXPECT_GT(export_model("org/tiny", folder / "out.safetensors").parameters, 0);
  EXPECT_GT(fs::file_size(folder / "out.safetensors"), 0U);
}

}  // namespace
}  // namespace contentvec::test
