// The promise that a result depends on the model and that utterance only, bit for bit.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <tuple>

#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

std::vector<float> random_waveform(std::mt19937& random, int64_t samples) {
  std::normal_distribution<float> normal(0.0F, 0.1F);
  std::vector<float> waveform(static_cast<size_t>(samples));
  for (float& x : waveform) x = normal(random);
  return waveform;
}

/// Lengths that matter: one frame, just short of another, and anything.
int64_t random_length(std::mt19937& random, int64_t longest) {
  switch (std::uniform_int_distribution<int>(0, 3)(random)) {
    case 0:
      return 400 + std::uniform_int_distribution<int64_t>(0, 2)(random);
    case 1:
      return 400 + 320 * std::uniform_int_distribution<int64_t>(1, longest / 320 - 2)(random) -
             std::uniform_int_distribution<int64_t>(0, 1)(random);
    default:
      return std::uniform_int_distribution<int64_t>(400, longest)(random);
  }
}

class BatchTest : public testing::TestWithParam<std::tuple<std::string, DType>> {
 protected:
  [[nodiscard]] static Model load(int threads) {
    return Model::load(test::synthetic(std::get<0>(GetParam())),
                       {.threads = threads, .dtype = std::get<1>(GetParam())});
  }
};

TEST_P(BatchTest, IsWhatEachAloneGivesForAnyThreads) {
  std::mt19937 random(11);
  const Model one_thread = load(1);
  const Model two_threads = load(2);
  const Model five_threads = load(5);
  const ModelConfig& config = one_thread.config();
  for (int round = 0; round < 4; ++round) {
    const auto size = static_cast<size_t>(std::uniform_int_distribution<int>(1, 7)(random));
    std::vector<std::vector<float>> waveforms;
    for (size_t i = 0; i < size; ++i)
      waveforms.push_back(random_waveform(random, random_length(random, 90000)));
    const std::vector<std::span<const float>> batch(waveforms.begin(), waveforms.end());
    std::vector<float> speakers;
    if (config.speaker_conditioned()) {
      speakers = random_waveform(random, static_cast<int64_t>(size) * config.speaker_dim);
    }
    std::vector<Stage> stages = {{kProjected}, {1}, {config.total_layers(), true}, {kModelOutput}};
    const ExtractOptions options = {.normalize = round % 2 == 0 ? Normalize::kOn : Normalize::kOff,
                                    .speaker_embedding = speakers};
    const auto expected = one_thread.extract_batch_stages(batch, stages, options);
    for (size_t i = 0; i < size; ++i) {
      ExtractOptions alone = options;
      if (!speakers.empty()) {
        const auto width = static_cast<size_t>(config.speaker_dim);
        alone.speaker_embedding = std::span(speakers).subspan(i * width, width);
      }
      const std::vector<Features> single = two_threads.extract_stages(waveforms[i], stages, alone);
      for (size_t s = 0; s < stages.size(); ++s) {
        ASSERT_EQ(single[s].frames, expected[i][s].frames);
        ASSERT_EQ(single[s].data, expected[i][s].data)
            << "utterance " << i << " of " << size << ", " << waveforms[i].size() << " samples, stage " << s;
      }
    }
    const auto threaded = five_threads.extract_batch_stages(batch, stages, options);
    for (size_t i = 0; i < size; ++i) {
      for (size_t s = 0; s < stages.size(); ++s) ASSERT_EQ(threaded[i][s].data, expected[i][s].data);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, BatchTest,
                         testing::Combine(testing::Values("tiny", "tiny-large", "tiny-masked", "tiny-oddpos",
                                                          "tiny-speaker"),
                                          testing::Values(DType::kF32, DType::kBF16)),
                         [](const auto& test) {
                           std::string name = std::get<0>(test.param);
                           if (std::get<1>(test.param) == DType::kBF16) name += "_bf16";
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

class BaseBatchTest : public testing::TestWithParam<DType> {};

TEST_P(BaseBatchTest, IsWhatEachAloneGives) {
  std::mt19937 random(5);
  const Model model = Model::load("synthetic:base", {.threads = 2, .dtype = GetParam()});
  const Model one_thread = Model::load("synthetic:base", {.threads = 1, .dtype = GetParam()});
  const std::vector<std::vector<float>> waveforms = {
      random_waveform(random, 9000), random_waveform(random, 400), random_waveform(random, 24321)};
  const std::vector<std::span<const float>> batch(waveforms.begin(), waveforms.end());
  const std::vector<Features> together = model.extract_batch(batch);
  for (size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(together[i].data, one_thread.extract(waveforms[i]).data) << "utterance " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, BaseBatchTest, testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& test) { return test.param == DType::kF32 ? "f32" : "bf16"; });

TEST(Batch, LargerThanOnePartIsWhatEachAloneGives) {
  std::mt19937 random(3);
  const Model model = Model::load(test::synthetic("tiny-speaker"), {.threads = 2});
  std::vector<std::vector<float>> waveforms;
  for (int i = 0; i < 5; ++i) waveforms.push_back(random_waveform(random, 400000));  // 1249 frames each
  const std::vector<float> speakers = random_waveform(random, 5 * 256);
  const std::vector<std::span<const float>> batch(waveforms.begin(), waveforms.end());
  const std::vector<Features> together = model.extract_batch(batch, {.speaker_embedding = speakers});
  ASSERT_EQ(together.size(), 5U);
  for (size_t i = 0; i < 5; ++i) {
    const auto speaker = std::span(speakers).subspan(i * 256, 256);
    EXPECT_EQ(together[i].data, model.extract(waveforms[i], {.speaker_embedding = speaker}).data)
        << "utterance " << i;
  }
}

TEST(Batch, OfUnusualConvolutionsIsWhatEachAloneGives) {
  // A convolution that is computed in threes of rows begins with a whole one in every tile, wherever the next one's
  // stride puts that.
  std::mt19937 random(6);
  const test::TemporaryFolder folder;
  for (const std::vector<ConvLayer>& convs : {std::vector<ConvLayer>{{16, 10, 5}, {16, 3, 2}, {16, 3, 2}},
                                              {{16, 10, 5}, {16, 3, 2}, {16, 3, 3}, {16, 2, 2}},
                                              {{16, 10, 5}, {16, 3, 2}, {16, 3, 2}, {16, 5, 4}},
                                              {{16, 3, 2}, {16, 3, 2}, {16, 2, 1}}}) {
    ModelConfig config = ModelConfig::from_json_file(test::oracle() / "configs/tiny.json");
    config.conv_layers = convs;
    test::write_file(folder / "config.json", config.to_json());
    const std::string spec = "synthetic:" + (folder / "config.json").string();
    const Model one_thread = Model::load(spec, {.threads = 1});
    const Model three_threads = Model::load(spec, {.threads = 3});
    std::vector<std::vector<float>> waveforms;
    for (int i = 0; i < 6; ++i) {
      const int64_t least = config.receptive_field();
      waveforms.push_back(random_waveform(
          random, std::uniform_int_distribution<int64_t>(least, least + 120 * config.hop())(random)));
    }
    const std::vector<std::span<const float>> batch(waveforms.begin(), waveforms.end());
    const std::vector<Features> together = three_threads.extract_batch(batch);
    for (size_t i = 0; i < batch.size(); ++i) {
      const std::vector<float> expected = one_thread.extract(batch[i]).data;
      const std::string what = fmt::format("{} convolutions, {} samples", convs.size(), batch[i].size());
      ASSERT_EQ(together[i].data, expected) << what;
      ASSERT_EQ(three_threads.extract(batch[i]).data, expected) << what << ", alone, in other tiles";
    }
  }
}

TEST(Batch, EmptyGivesNothing) {
  const Model model = Model::load(test::synthetic("tiny"));
  EXPECT_TRUE(model.extract_batch({}).empty());
}

TEST(Stages, InOnePassAreWhatEachAloneGives) {
  std::mt19937 random(2);
  const Model model = Model::load(test::synthetic("tiny-large"));
  const std::vector<float> waveform = random_waveform(random, 20000);
  const std::vector<Stage> stages = {{3}, {1, true}, {kModelOutput}, {kProjected}, {3}};
  const std::vector<Features> together = model.extract_stages(waveform, stages);
  ASSERT_EQ(together.size(), stages.size());
  for (size_t i = 0; i < stages.size(); ++i) {
    const ExtractOptions options = {.layer = stages[i].layer, .final_proj = stages[i].final_proj};
    EXPECT_EQ(together[i].data, model.extract(waveform, options).data) << "stage " << i;
  }
  EXPECT_NE(together[0].data, together[2].data)
      << "a pre-norm model's output has a LayerNorm more than its last layer";
}

TEST(Model, IsSharedBetweenThreads) {
  std::mt19937 random(9);
  const Model model = Model::load(test::synthetic("tiny"), {.threads = 2});
  std::vector<std::vector<float>> waveforms;
  std::vector<std::vector<float>> expected;
  for (int i = 0; i < 4; ++i) {
    waveforms.push_back(random_waveform(random, random_length(random, 60000)));
    expected.push_back(model.extract(waveforms.back()).data);
  }
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 10; ++round)
        wrong[t] += model.extract(waveforms[t]).data == expected[t] ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Model, LeavesNoTraceInTheNextResult) {
  std::mt19937 random(4);
  const Model model = Model::load(test::synthetic("tiny"));
  const std::vector<float> first = random_waveform(random, 5000);
  const std::vector<float> expected = model.extract(first).data;
  (void)model.extract(random_waveform(random, 50000));
  EXPECT_EQ(model.extract(first).data, expected);
}

}  // namespace
}  // namespace contentvec
