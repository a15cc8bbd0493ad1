// A stream's blocks against the oracle's, step by step, on every instruction set.

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <tuple>

#include "conversion/block_converter.h"
#include "conversion/stream_case.h"
#include "dsp/sola.h"
#include "golden.h"
#include "nn/kernels/select.h"

namespace contentvec::conversion {
namespace {

class StreamGoldenTest : public testing::TestWithParam<std::tuple<const nn::Kernels*, std::string>> {};

constexpr double kTolerance = 2e-5;  // the contract's, for what has a standard deviation below 1

StreamOptions options_of(const nlohmann::json& stream) {
  const int rate = stream.at("rate");
  const auto ms = [&](const char* samples) { return 1000.0 * stream.at(samples).get<double>() / rate; };
  return {.rate = rate,
          .block_ms = ms("block"),
          .extra_ms = ms("extra"),
          .crossfade_ms = ms("crossfade"),
          .search_ms = ms("search"),
          .settings = {.key = stream.at("key"), .index_rate = 0}};
}

TEST_P(StreamGoldenTest, EveryBlockIsTheReferences) {
  const auto& [kernels, name] = GetParam();
  const test::RvcGolden golden = test::read_rvc_golden(name);
  const auto path = test::oracle_rvc() / "golden" / (name + ".safetensors");
  const auto stream = nlohmann::json::parse(golden.metadata.at("stream"));
  const StreamOptions options = options_of(stream);
  const StreamSizes sizes(options);
  ASSERT_EQ(sizes.fade, stream.at("sola_buffer"));
  ASSERT_EQ(sizes.context_frames, stream.at("skip_head"));
  ASSERT_EQ(sizes.frames(sizes.made()), stream.at("return_length"));

  setenv("CONTENTVEC_ISA", kernels->isa, 1);
  BlockConverter converter(sizes, options, Model::load(test::rvc_synthetic(stream.at("hubert"))),
                           PitchEstimator::load(test::rvc_synthetic(stream.at("pitch"))));
  Speech speech(sizes, Voice::load(test::rvc_synthetic(golden.metadata.at("config"))), std::nullopt,
                options.settings);
  unsetenv("CONTENTVEC_ISA");
  dsp::Sola sola(sizes.block, sizes.fade, sizes.search);

  const std::vector<float>& input = golden.arrays.at("input_16k").values;
  const auto block = static_cast<size_t>(sizes.frames(sizes.block) * kPitchHop);
  std::vector<float> window(static_cast<size_t>(sizes.frames(sizes.window()) * kPitchHop));
  std::vector<float> made(static_cast<size_t>(sizes.made()));
  std::vector<float> output;
  std::vector<float> out(static_cast<size_t>(sizes.block));
  for (size_t i = 0; i < input.size() / block; ++i) {
    const auto array = [&](const std::string& stage) -> const std::vector<float>& {
      return golden.arrays.at("block" + std::to_string(i) + "." + stage).values;
    };
    std::copy(window.begin() + static_cast<int64_t>(block), window.end(), window.begin());
    std::copy_n(input.begin() + static_cast<int64_t>(i * block), block,
                window.end() - static_cast<int64_t>(block));
    std::vector<int64_t> coarse;
    const auto expect_step = [&](std::string_view stage, std::span<const float> values) {
      if (stage == "phone") return;
      if (stage == "pitchf") coarse = coarse_pitch(values);
      const std::vector<float>& expected = array(std::string(stage));
      ASSERT_EQ(values.size(), expected.size()) << stage;
      for (size_t k = 0; k < values.size(); ++k) {
        const double bound = stage == "audio" ? kTolerance : 1e-4 * static_cast<double>(expected[k]);
        ASSERT_NEAR(values[k], expected[k], bound) << stage << " " << k << " of block " << i;
      }
    };
    converter.run(window, 0, speech, static_cast<int64_t>(i), made,
                  {.observe = expect_step,
                   .features = array("feats"),
                   .latent_noise = array("noise_z"),
                   .source_noise = array("noise_source")});
    // The golden holds the last block's under every block's name.
    if (i + 1 == input.size() / block) {
      EXPECT_EQ(coarse, test::read_integers(path, "block" + std::to_string(i) + ".pitch"));
    }
    EXPECT_EQ(sola.join(made, out),
              test::read_integers(path, "block" + std::to_string(i) + ".sola_offset").front());
    output.insert(output.end(), out.begin(), out.end());
  }
  EXPECT_LE(test::max_abs_error(output, golden.arrays.at("output").values), kTolerance);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StreamGoldenTest);
INSTANTIATE_TEST_SUITE_P(Isa, StreamGoldenTest,
                         testing::Combine(testing::ValuesIn(nn::supported_kernels(DType::kF32)),
                                          testing::ValuesIn(test::rvc_golden_names("stream-"))),
                         [](const auto& test) {
                           return test::test_name(std::string(std::get<0>(test.param)->isa) + "_" +
                                                  std::get<1>(test.param));
                         });

}  // namespace
}  // namespace contentvec::conversion
