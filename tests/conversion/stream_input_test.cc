#include "conversion/stream_input.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "conversion/pieces.h"
#include "conversion/stream_case.h"

namespace contentvec::conversion {
namespace {

/// What steps back to what was heard before a block: nothing, the gate, the denoiser, and in the block in which it goes
/// off, what it was told without what it left out.
StreamSettings settings_of(int64_t block) {
  StreamSettings settings;
  if (block % 5 == 1 || block % 5 == 2) settings.gate_db = -40;
  if (block % 7 == 2 || block % 7 == 3) settings.denoise_input = true;
  return settings;
}

class StreamInputTest : public testing::TestWithParam<int> {};

TEST_P(StreamInputTest, TellsWhatChangedBeforeABlock) {
  const int rate = GetParam();
  const StreamSizes sizes(
      {.rate = rate, .block_ms = 100, .extra_ms = 300, .crossfade_ms = 50, .search_ms = 10});
  // The last half hop before a block is always resampled with what comes behind it; no frame of features reaches it.
  constexpr int64_t kUnheard = kPitchHop / 2;
  StreamInput input(sizes);
  const std::vector<float> stream = spoken(4, rate);
  const int64_t block = sizes.frames(sizes.block) * kPitchHop;
  for (int64_t i = 0; (i + 1) * sizes.block <= static_cast<int64_t>(stream.size()); ++i) {
    const std::vector<float> before(input.window_16k().begin(), input.window_16k().end());
    input.push(
        std::span(stream).subspan(static_cast<size_t>(i * sizes.block), static_cast<size_t>(sizes.block)),
        settings_of(i));
    const int64_t changed = std::max(input.changed_hops() * kPitchHop, kUnheard);
    const int64_t kept = static_cast<int64_t>(before.size()) - block - changed;
    ASSERT_GT(kept, 0);
    EXPECT_TRUE(std::equal(before.begin() + block, before.begin() + block + kept, input.window_16k().begin()))
        << "block " << i;
    EXPECT_LE(input.changed_hops(), kMostFadedHops + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Rates, StreamInputTest, testing::Values(16000, 44100, 48000),
                         [](const auto& test) { return std::to_string(test.param); });

}  // namespace
}  // namespace contentvec::conversion
