#include "conversion/stream_input.h"

#include <algorithm>
#include <cmath>

#include "contentvec/audio.h"
#include "conversion/pieces.h"

namespace contentvec::conversion {
namespace {

constexpr double kNoGate = -60;  // dB, at which and below nothing is silenced
/// Hops that are resampled once more before what is new, and one of them thrown away: the first samples of what is
/// resampled lack what was before them.
constexpr int64_t kWarmHops = 2;

template <typename T>
void shift(std::vector<T>& values, int64_t by) {
  std::copy(values.begin() + by, values.end(), values.begin());
}

}  // namespace

StreamInput::StreamInput(const StreamSizes& sizes)
    : sizes_(sizes),
      gate_(sizes.block, sizes.hop),
      resampler_(sizes.rate, kSampleRate),
      block_(static_cast<size_t>(sizes.block)),
      samples_(static_cast<size_t>(sizes.window() + (dsp::NoiseGate::kToldAgain + kWarmHops) * sizes.hop)),
      window_16k_(static_cast<size_t>(sizes.frames(sizes.window()) * kPitchHop)),
      resampled_(static_cast<size_t>((sizes.frames(sizes.block) + dsp::NoiseGate::kToldAgain + kWarmHops) *
                                     kPitchHop)) {}

void StreamInput::push(std::span<const float> block, double gate_db) {
  std::transform(block.begin(), block.end(), block_.begin(),
                 [](float x) { return std::isfinite(x) ? x : 0; });
  shift(samples_, sizes_.block);
  const std::span<float> all(samples_);
  size_t fresh = block_.size();
  if (gate_db > kNoGate) {
    fresh += static_cast<size_t>(dsp::NoiseGate::kToldAgain * sizes_.hop);
    gate_.run(block_, std::pow(10, gate_db / 20), all.last(fresh));
  } else {
    gate_.pass(block_);
    std::copy(block_.begin(), block_.end(), all.last(fresh).begin());
  }
  shift(window_16k_, sizes_.frames(sizes_.block) * kPitchHop);
  const int64_t frames = sizes_.frames(static_cast<int64_t>(fresh)) + kWarmHops;
  const std::span<float> resampled = std::span(resampled_).first(static_cast<size_t>(frames * kPitchHop));
  resampler_.run(all.last(static_cast<size_t>(frames * sizes_.hop)), resampled);
  const size_t told = std::min(resampled.size() - kPitchHop, window_16k_.size());
  std::copy(resampled.end() - static_cast<int64_t>(told), resampled.end(),
            window_16k_.end() - static_cast<int64_t>(told));
}

void StreamInput::reset() {
  gate_.reset();
  std::fill(samples_.begin(), samples_.end(), 0.0F);
  std::fill(window_16k_.begin(), window_16k_.end(), 0.0F);
}

}  // namespace contentvec::conversion
