#include "synthesizer/voice_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support.h"
#include "synthesizer/voice_config_json.h"

namespace contentvec::synthesizer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string refusal_of_field(const std::string& field, const json& value) {
  json fields = to_json(VoiceConfig());
  fields[field] = value;
  return test::error_of([&] { voice_config_from_json(fields, "a.json").validate("a.json"); });
}

TEST(VoiceConfig, AllOfTheOraclesAreRead) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::oracle_rvc() / "configs")) {
    const json object = test::read_json(entry.path());
    if (object.value("kind", "") != "rvc") continue;
    const VoiceConfig config = voice_config_from_json(object, entry.path().string());
    EXPECT_NO_THROW(config.validate(entry.path().string()));
    EXPECT_EQ(voice_config_from_json(to_json(config), "again"), config) << entry.path();
    EXPECT_EQ(config.sample_rate, object["sr"].get<int>());
    ++count;
  }
  EXPECT_EQ(count, 8);
}

TEST(VoiceConfig, TheListOf18IsByPosition) {
  const json list = json::parse(
      R"([1025, 32, 192, 193, 768, 2, 6, 3, 0, "1", [3, 7, 11], [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
          [10, 10, 2, 2], 512, [16, 16, 4, 4], 109, 256, "40k"])");
  const VoiceConfig config = voice_config_from_json(voice_fields_of_list(list, "a.pth"), "a.pth");
  EXPECT_EQ(config.inter_channels, 192);
  EXPECT_EQ(config.hidden_channels, 193);
  EXPECT_EQ(config.upsample_rates, (std::vector<int64_t>{10, 10, 2, 2}));
  EXPECT_EQ(config.speakers, 109);
  EXPECT_EQ(config.sample_rate, 40000);
  EXPECT_EQ(config.version, "v1");  // where nothing says it
}

TEST(VoiceConfig, ListsOfAnyOtherLengthAreRefused) {
  const auto refusal = [](size_t fields) {
    const json list = std::vector<int>(fields, 1);
    return test::error_of([&] { voice_fields_of_list(list, "a.pth"); });
  };
  EXPECT_THAT(refusal(19),
              HasSubstr("a.pth: config is a list of 19 fields, which RVC's own trainers do not"));
  EXPECT_THAT(refusal(17), HasSubstr("list of 17 fields, expected RVC's 18"));
  EXPECT_THAT(refusal(0), HasSubstr("list of 0 fields"));
  EXPECT_THAT(refusal(1'000'000), HasSubstr("list of 1000000 fields"));
  EXPECT_THAT(test::error_of([] { voice_fields_of_list(json(3), "a.pth"); }), HasSubstr("found 3"));
}

TEST(VoiceConfig, ResblocksUseTheirFirstDilations) {
  json fields = to_json(VoiceConfig());
  fields["resblock"] = 2;
  const VoiceConfig config = voice_config_from_json(fields, "a.json");
  EXPECT_EQ(config.resblock_dilation_sizes[0], (std::vector<int64_t>{1, 3}));
}

TEST(VoiceConfig, SampleRatesAreNumbersOrTexts) {
  EXPECT_EQ(sample_rate_from_json("32k", ""), 32000);
  EXPECT_EQ(sample_rate_from_json("40000", ""), 40000);
  EXPECT_EQ(sample_rate_from_json(48000, ""), 48000);
  for (const json& wrong :
       {json("k"), json("-40k"), json("9999999k"), json(0), json(40.5), json(), json("48 kHz")}) {
    EXPECT_THAT(test::error_of([&] { sample_rate_from_json(wrong, "a.pth"); }),
                HasSubstr("a.pth: sr should be"))
        << wrong;
  }
}

TEST(VoiceConfig, SizesThatNoVoiceHasAreRefused) {
  const std::vector<std::tuple<std::string, json, std::string>> cases = {
      {"hidden_channels", -4, "hidden_channels is -4"},
      {"hidden_channels", 1e30, "a whole number"},
      {"inter_channels", 190.5, "a whole number"},
      {"inter_channels", 191, "two equal halves"},
      {"n_heads", 0, "n_heads is 0"},
      {"n_heads", 5, "does not divide hidden_channels"},
      {"n_layers", 1'000'000, "n_layers is 1000000"},
      {"resblock", "3", "resblock should be"},
      {"resblock_kernel_sizes", {3, 4, 11}, "only odd kernels"},
      {"resblock_kernel_sizes", {3, 7}, "3 entries for 2 kernels"},
      {"resblock_dilation_sizes", json::parse("[[1, 3, 5], [1, 3], [1, 3, 5]]"), "takes 3 dilations"},
      {"resblock_dilation_sizes", json::parse("[1, 3, 5]"), "a short list"},
      {"upsample_rates", {1024, 1024, 1024, 1024}, "upsample_rates is 1024"},
      {"upsample_rates", {64, 64, 64, 64}, "upsample_kernel_sizes has 24 for a rate of 64"},
      {"upsample_rates", {-12, -10, 2, 2}, "upsample_rates is -12"},
      {"upsample_rates", {12, 20, 2, 1}, "upsample_rates is 1; expected a whole number from 2"},
      {"upsample_rates", {12, 10, 2}, "4 entries for 3 rates"},
      {"upsample_rates", json::array(), "0 entries"},
      {"upsample_rates", std::vector<int>(1'000'000, 2), "a list of 1000000 entries"},
      {"upsample_kernel_sizes", {24, 20, 4, 1}, "has 1 for a rate of 2"},
      {"upsample_kernel_sizes", {25, 20, 4, 4}, "has 25 for a rate of 12"},
      {"upsample_initial_channel", 8, "upsample_initial_channel is 8"},
      {"spk_embed_dim", 0, "spk_embed_dim is 0"},
      {"sr", 40000, "is 48000 Hz, but its sample rate is 40000 Hz"},
      {"phone_channels", 1024, "this one of 1024"},
      {"version", "v3", "version should be"},
      {"f0", 2, "f0 should be"},
      {"embedder_model", 3, "embedder_model should be"},
      {"embedder_model", std::string(1'000'000, 'x'), "a text of 1000000 bytes"},
      {"last_layer", 1, "last_layer should be"},
  };
  for (const auto& [field, value, expected] : cases)
    EXPECT_THAT(refusal_of_field(field, value), HasSubstr(expected)) << field;
}

TEST(VoiceConfig, AProductOfUpsamplingsIsBounded) {
  VoiceConfig config;
  config.upsample_rates.assign(8, 64);
  config.upsample_kernel_sizes.assign(8, 64);
  config.upsample_initial_channel = 512;
  EXPECT_THAT(test::error_of([&] { config.validate("a.pth"); }),
              HasSubstr("the product of upsample_rates is"));
}

}  // namespace
}  // namespace contentvec::synthesizer
