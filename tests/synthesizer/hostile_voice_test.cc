// Files made to hurt: each gives one clear error that names the file, at once, and takes no memory on its word.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <ostream>

#include "allocations.h"
#include "checkpoint/forge.h"
#include "support.h"
#include "synthesizer/forge_voice.h"
#include "synthesizer/voice_file.h"

namespace contentvec::synthesizer {
namespace {

using test::ForgedVoice;
using ::testing::HasSubstr;

struct HostileVoice {
  std::string name;
  std::function<void(ForgedVoice&)> harm;
  std::string expected;
};
void PrintTo(const HostileVoice& hostile, std::ostream* out) {
  *out << hostile.name;
}

std::string integers(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(test::integer(value));
  return test::list(items);
}

/// Sets one of the 18 fields.
std::function<void(ForgedVoice&)> field(size_t number, std::string value) {
  return [number, value = std::move(value)](ForgedVoice& voice) { voice.config[number] = value; };
}
std::function<void(ForgedVoice&)> fields(size_t count) {
  return [count](ForgedVoice& voice) { voice.config.resize(count, test::integer(1)); };
}
std::function<void(ForgedVoice&)> shape(std::string name, std::vector<int64_t> shape) {
  return [name = std::move(name), shape = std::move(shape)](ForgedVoice& voice) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    voice.tensors[name] = {shape, std::vector<float>(static_cast<size_t>(count), 1.0F)};
  };
}
std::function<void(ForgedVoice&)> without(std::string name) {
  return [name = std::move(name)](ForgedVoice& voice) { voice.tensors.erase(name); };
}
std::function<void(ForgedVoice&)> untold(std::function<void(ForgedVoice&)> harm) {
  return [harm = std::move(harm)](ForgedVoice& voice) {
    voice.with_config = false;
    harm(voice);
  };
}

constexpr int64_t kHuge = int64_t{1} << 40;

const std::vector<HostileVoice>& hostile_voices() {
  static const std::vector<HostileVoice> all = {
      {"NoFields", fields(0), "a list of 0 fields"},
      {"Fields17", fields(17), "a list of 17 fields"},
      {"Fields19", fields(19), "a list of 19 fields"},
      {"FieldsOfAMillion", fields(1'000'000), "its config is no voice's: it unfolds to more than"},
      {"FieldsOfManyThousand", fields(90'000), "a list of 90000 fields"},
      {"ConfigIsText", [](ForgedVoice& v) { v.with_config = false; v.set("config", test::text("x")); },
       "config should be a list of 18"},
      {"RatesThatMultiplyTo2To40", field(12, integers({1 << 20, 1 << 20})), "upsample_rates is 1048576"},
      {"RatesThatMultiplyTo2To64", field(12, integers({1LL << 32, 1LL << 32})), "upsample_rates should be"},
      {"RatesThatMultiplyTo2To48", field(12, integers({64, 64, 64, 64, 64, 64, 64, 64})),
       "upsample_kernel_sizes has 2 entries for 8 rates"},
      {"NegativeRates", field(12, integers({-16, -10})), "upsample_rates is -16"},
      {"RateOf0", field(12, integers({16, 0})), "upsample_rates is 0"},
      {"RateAboveItsKernel", field(12, integers({33, 10})), "has 32 for a rate of 33"},
      {"RateOfOddDifference", field(12, integers({15, 10})), "has 32 for a rate of 15"},
      {"NoRates", field(12, test::list({})), "upsample_rates has 0 entries"},
      {"AMillionRates", field(12, integers(std::vector<int64_t>(90'000, 1))), "a list of 90000 entries"},
      {"RatesNested", field(12, test::list({test::list({test::integer(2)})})), "upsample_rates should be"},
      {"RatesOfText", field(12, test::text("16, 10")), "upsample_rates should be"},
      {"RatesThatAreOthers", field(12, integers({8, 20})), "has shape [4, 1, 20], expected [4, 1, 40]"},
      {"RatesOfOtherSource", field(12, integers({20, 8})), "has shape [4, 1, 20], expected [4, 1, 16]"},
      {"DilationOf2To40", field(11, test::list({integers({1, 3, kHuge})})), "resblock_dilation_sizes should be"},
      {"DilationOf1000", field(11, test::list({integers({1, 3, 1000})})), "resblock_dilation_sizes is 1000"},
      {"DilationOf0", field(11, test::list({integers({1, 0, 5})})), "resblock_dilation_sizes is 0"},
      {"TooFewDilations", field(11, test::list({integers({1, 3})})), "takes 3 dilations"},
      {"NoDilations", field(11, test::list({})), "0 entries for 1 kernels"},
      {"ResblockOfAnotherKind", field(9, test::text("3")), "resblock should be"},
      {"SampleRateOf0", field(17, test::integer(0)), "sr should be"},
      {"SampleRateOfText", field(17, test::text("fast")), "sr should be"},
      {"SampleRateOfAnother", field(17, test::integer(48000)), "but its sample rate is 48000 Hz"},
      {"VersionOfAnother", [](ForgedVoice& v) { v.set("version", test::text("v9")); }, "version should be"},
      {"SpeakersOfNoRows", shape("emb_g.weight", {0, 3}), "emb_g.weight has the shape [0, 3]"},
      {"SpeakersOfOneAxis", shape("emb_g.weight", {6}), "emb_g.weight has the shape [6]; expected 2 sizes"},
      {"SpeakersOfThreeAxes", shape("emb_g.weight", {2, 3, 1}), "emb_g.weight has the shape [2, 3, 1]"},
      {"SpeakersOfAnotherWidth", shape("emb_g.weight", {2, 5}), "has shape [8, 3, 1], expected [8, 5, 1]"},
      {"FeaturesOfAnotherWidth", shape("enc_p.emb_phone.weight", {4, 1024}), "it takes features of 1024 values"},
      {"FeaturesOfNoChannels", shape("enc_p.emb_phone.weight", {0, 768}), "has the shape [0, 768]"},
      {"HeadsOf0", shape("enc_p.encoder.attn_layers.0.emb_rel_k", {1, 21, 0}), "has the shape [1, 21, 0]"},
      {"HeadsThatDoNotDivide", shape("enc_p.encoder.attn_layers.0.emb_rel_k", {1, 21, 3}), "do not divide its 4"},
      {"NoLayers", without("enc_p.encoder.attn_layers.0.conv_q.weight"), "n_layers is 0"},
      {"AHundredLayers",
       [](ForgedVoice& v) {
         for (int i = 0; i < 5000; ++i)
           v.tensors["enc_p.encoder.attn_layers." + std::to_string(i) + ".conv_q.weight"] = {{1}, {1.0F}};
       },
       "n_layers is 100"},
      {"AHundredUpsamplings",
       [](ForgedVoice& v) {
         for (int i = 0; i < 100; ++i)
           v.tensors["dec.ups." + std::to_string(i) + ".weight_v"] = {{1, 1, 2}, {1.0F, 1.0F}};
       },
       "100 upsamplings and 2 residual blocks"},
      {"ThousandsWithoutAPlace",
       [](ForgedVoice& v) {
         for (int i = 0; i < 5000; ++i) v.tensors["dec." + std::to_string(i)] = {{1}, {1.0F}};
       },
       "and 4990 more"},
      {"NoUpsamplings",
       [](ForgedVoice& v) {
         v.tensors.erase("dec.ups.0.weight_v");
         v.tensors.erase("dec.ups.1.weight_v");
       },
       "0 upsamplings"},
      {"KernelOfAnotherRank", shape("dec.ups.0.weight_v", {8, 128}), "expected 3 sizes"},
      {"KernelOf0", shape("dec.ups.0.weight_v", {8, 4, 0}), "none of them 0"},
      {"KernelOf10000", shape("dec.ups.0.weight_v", {1, 1, 10000}), "upsample_kernel_sizes is 10000"},
      {"EvenResidualKernel", shape("dec.resblocks.0.convs1.0.weight_v", {4, 4, 4}), "only odd kernels"},
      {"FirstConvolutionOfAnotherRank", shape("dec.conv_pre.weight", {8}), "dec.conv_pre.weight has the shape [8]"},
      {"OddLatent", shape("dec.conv_pre.weight", {8, 3, 7}), "two equal halves"},
      {"TooFewChannelsToHalve", shape("dec.conv_pre.weight", {2, 4, 7}), "upsample_initial_channel is 2"},
      {"WholeNumbers", [](ForgedVoice& v) { v.tensors.erase("enc_p.proj.bias"); }, "enc_p.proj.bias [8] is missing"},
      {"GainOfAnotherShape", shape("dec.ups.0.weight_g", {1, 8, 1}), "dec.ups.0.weight_g has shape [1, 8, 1]"},
      {"UntoldHeads", untold(without("enc_p.encoder.attn_layers.0.emb_rel_k")), "emb_rel_k: the file is incomplete"},
      {"UntoldSource", untold(without("dec.noise_convs.0.weight")), "dec.noise_convs.0.weight: the file is incomplete"},
      {"UntoldRate", untold(shape("dec.noise_convs.0.weight", {4, 1, 1})), "upsample_rates is 160"},
      {"UntoldRateOfMany", untold(shape("dec.noise_convs.0.weight", {1, 1, 1 << 20})), "upsample_rates is 0"},
  };
  return all;
}

class HostileVoiceFile : public ::testing::TestWithParam<HostileVoice> {};

TEST_P(HostileVoiceFile, IsRefusedAtOnce) {
  constexpr size_t kAllowance = size_t{1} << 20;
  const test::TemporaryFolder folder;
  ForgedVoice voice;
  GetParam().harm(voice);
  const std::string bytes = voice.bytes();
  test::write_file(folder / "voice.pth", bytes);
  VoiceLoadOptions options;
  if (!voice.with_config) options.sample_rate = 16000;
  test::reset_largest_allocation();
  const std::string error =
      test::error_of([&] { open_voice_file((folder / "voice.pth").string(), options); });
  EXPECT_LE(test::largest_allocation(), bytes.size() * 12 + kAllowance);
  EXPECT_THAT(error, HasSubstr(GetParam().expected));
  EXPECT_THAT(error, HasSubstr("voice.pth"));
  EXPECT_LT(error.size(), 1500U);
}

INSTANTIATE_TEST_SUITE_P(Zoo, HostileVoiceFile, ::testing::ValuesIn(hostile_voices()),
                         [](const auto& hostile) { return hostile.param.name; });

TEST(HostileVoices, NotANumberIsFoundWhenItIsRead) {
  const test::TemporaryFolder folder;
  ForgedVoice voice;
  voice.tensors.at("emb_g.weight").values[3] = std::numeric_limits<float>::quiet_NaN();
  test::write_file(folder / "voice.pth", voice.bytes());
  const std::string path = (folder / "voice.pth").string();
  EXPECT_NO_THROW(inspect_voice(path));
  EXPECT_THAT(test::error_of([&] { Voice::load(path); }),
              HasSubstr("voice.pth: weight emb_g.weight holds nan at element 3"));
}

}  // namespace
}  // namespace contentvec::synthesizer
