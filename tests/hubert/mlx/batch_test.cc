// Ragged batches on MLX: padding and company change a result by rounding only.

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <random>
#include <stdexcept>
#include <thread>

#include "contentvec/model.h"
#include "golden.h"
#include "support.h"

namespace contentvec {
namespace {

/// How far a result may be from what its utterance alone gives. Features have a standard deviation of
/// about 1.
constexpr double kSameAsAlone = 1e-5;

std::vector<float> noise(std::mt19937& random, int64_t samples) {
  std::normal_distribution<float> normal(0.0F, 0.1F);
  std::vector<float> waveform(static_cast<size_t>(samples));
  for (float& x : waveform) x = normal(random);
  return waveform;
}

class MlxBatchTest : public testing::TestWithParam<std::string> {};

TEST_P(MlxBatchTest, IsWhatEachAloneGivesOnTheCpu) {
  std::mt19937 random(7);
  const Model cpu = Model::load(test::synthetic(GetParam()), {.threads = 1});
  const Model mlx = Model::load(test::synthetic(GetParam()), {.device = Device::kMlx});
  const ModelConfig& config = cpu.config();
  const std::vector<Stage> stages = {{kProjected}, {1}, {config.total_layers(), true}, {kModelOutput}};
  for (int round = 0; round < 3; ++round) {
    std::vector<std::vector<float>> waveforms;
    const int size = std::uniform_int_distribution<int>(2, 7)(random);
    for (int i = 0; i < size; ++i) {
      waveforms.push_back(
          noise(random, std::uniform_int_distribution<int64_t>(400, i % 2 == 0 ? 1200 : 20000)(random)));
    }
    const std::vector<std::span<const float>> batch(waveforms.begin(), waveforms.end());
    std::vector<float> speakers;
    if (config.speaker_conditioned())
      speakers = noise(random, static_cast<int64_t>(size) * config.speaker_dim);
    const ExtractOptions options = {.normalize = Normalize::kOff, .speaker_embedding = speakers};
    const auto expected = cpu.extract_batch_stages(batch, stages, options);
    const auto found = mlx.extract_batch_stages(batch, stages, options);
    for (size_t i = 0; i < batch.size(); ++i) {
      ExtractOptions alone = options;
      if (!speakers.empty()) {
        const auto width = static_cast<size_t>(config.speaker_dim);
        alone.speaker_embedding = std::span(speakers).subspan(i * width, width);
      }
      const auto single = mlx.extract_stages(batch[i], stages, alone);
      for (size_t s = 0; s < stages.size(); ++s) {
        EXPECT_LE(test::max_abs_error(found[i][s].data, single[s].data), kSameAsAlone)
            << "alone, stage " << s;
        EXPECT_LE(test::max_abs_error(found[i][s].data, expected[i][s].data), 5e-5) << "the CPU, stage " << s;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, MlxBatchTest,
                         testing::Values("tiny", "tiny-large", "tiny-masked", "tiny-oddpos", "tiny-speaker"),
                         [](const auto& test) { return test::test_name(test.param); });

TEST(MlxModel, IsSharedBetweenThreadsAndOutlivesNone) {
  std::mt19937 random(9);
  std::vector<std::vector<float>> waveforms;
  std::vector<std::vector<float>> expected;
  std::atomic<int> wrong = 0;
  {
    const Model model = Model::load(test::synthetic("tiny"), {.device = Device::kMlx});
    for (int i = 0; i < 4; ++i) {
      waveforms.push_back(noise(random, 3000 + 1111 * i));
      expected.push_back(model.extract(waveforms.back()).data);
    }
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int round = 0; round < 5; ++round)
          wrong += model.extract(waveforms[t]).data == expected[t] ? 0 : 1;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

/// GroupNorm's statistics are float32 sums: a constant that is three hundred times the rest must not be in them.
TEST(MlxModel, AConstantInTheWaveformIsNotInTheStatistics) {
  std::mt19937 random(4);
  const Model model = Model::load(test::synthetic("tiny"), {.device = Device::kMlx});
  std::vector<float> waveform = noise(random, 16000);
  for (float& x : waveform) x = 0x1p-20F * std::round(x * 0x1p15F);  // exact with the constant, too
  const Features expected = model.extract(waveform, {.normalize = Normalize::kOff});
  for (float& x : waveform) x += 0.9375F;
  EXPECT_LE(test::max_abs_error(model.extract(waveform, {.normalize = Normalize::kOff}).data, expected.data),
            1e-3);
}

TEST(MlxModel, EndsWhenPollThrowsAndStaysUsable) {
  std::mt19937 random(1);
  const Model model = Model::load(test::synthetic("tiny"), {.device = Device::kMlx});
  const std::vector<float> waveform = noise(random, 4000);
  const Features expected = model.extract(waveform);
  EXPECT_THROW((void)model.extract(waveform, {.poll = [] { throw std::range_error("stop"); }}),
               std::range_error);
  EXPECT_EQ(model.extract(waveform).data, expected.data);
  const std::vector<float> longer = noise(random, 12000);
  const std::vector<std::span<const float>> batch = {waveform, longer};
  const auto throw_at_second = [left = 1]() mutable {
    if (left-- == 0) throw std::range_error("stop");  // while the first bucket is being computed
  };
  EXPECT_THROW((void)model.extract_batch(batch, {.poll = throw_at_second}), std::range_error);
  EXPECT_EQ(model.extract_batch(batch)[0].data, expected.data);
}

}  // namespace
}  // namespace contentvec
