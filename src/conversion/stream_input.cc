#include "conversion/stream_input.h"

#include <algorithm>
#include <cmath>

#include "contentvec/audio.h"
#include "conversion/pieces.h"
#include "dsp/sola.h"

namespace contentvec::conversion {
namespace {

/// Hops that are resampled once more before what is new, and one of them thrown away: the first samples of what is
/// resampled lack what was before them.
constexpr int64_t kWarmHops = 2;
constexpr int64_t kMostToldAgain = std::max(dsp::NoiseGate::kToldAgain, kMostFadedHops);

template <typename T>
void shift(std::vector<T>& values, int64_t by) {
  std::copy(values.begin() + by, values.end(), values.begin());
}

}  // namespace

StreamInput::StreamInput(const StreamSizes& sizes)
    : sizes_(sizes),
      gate_(sizes.block, sizes.hop),
      denoiser_(sizes.hop, sizes.window(), sizes.block + sizes.fade),
      resampler_(sizes.rate, kSampleRate),
      block_(static_cast<size_t>(sizes.block)),
      samples_(static_cast<size_t>(sizes.window() + dsp::NoiseGate::kToldAgain * sizes.hop)),
      heard_(static_cast<size_t>(sizes.window() + (kMostToldAgain + kWarmHops) * sizes.hop)),
      stretch_(static_cast<size_t>(sizes.block + sizes.fade)),
      fade_in_(dsp::fade_in(sizes.fade)),
      window_16k_(static_cast<size_t>(sizes.frames(sizes.window()) * kPitchHop)),
      resampled_(static_cast<size_t>((sizes.frames(sizes.block) + kMostToldAgain + kWarmHops) * kPitchHop)) {}

void StreamInput::push(std::span<const float> block, const StreamSettings& settings) {
  std::transform(block.begin(), block.end(), block_.begin(),
                 [](float x) { return std::isfinite(x) ? x : 0; });
  size_t fresh = take(settings.gate_db);
  shift(heard_, sizes_.block);
  if (settings.denoise_input || is_denoised_) {
    denoise(settings.denoise_input);
    fresh = stretch_.size();
  } else {
    const auto newest = std::span(samples_).last(fresh);
    std::copy(newest.begin(), newest.end(), heard_.end() - static_cast<int64_t>(fresh));
  }
  resample(fresh);
}

/// Takes the block over as it is, but for what is gated. Returns how many samples at the end are new.
size_t StreamInput::take(double gate_db) {
  shift(samples_, sizes_.block);
  const std::span<float> all(samples_);
  if (gate_db <= kNoGate) {
    gate_.pass(block_);
    std::copy(block_.begin(), block_.end(), all.last(block_.size()).begin());
    return block_.size();
  }
  const size_t fresh = block_.size() + static_cast<size_t>(dsp::NoiseGate::kToldAgain * sizes_.hop);
  gate_.run(block_, std::pow(10, gate_db / 20), all.last(fresh));
  return fresh;
}

/// What is newest lacks what comes behind it: it is told again with the next block, faded into.
void StreamInput::denoise(bool is_wanted) {
  const std::span<const float> all(samples_);
  const std::span<const float> as_it_came = all.last(stretch_.size());
  if (is_wanted) {
    if (!is_denoised_) denoiser_.forget();
    denoiser_.judge(all.last(static_cast<size_t>(sizes_.window())), sizes_.block,
                    dsp::NoiseGate::kToldAgain * sizes_.hop);
    denoiser_.run(as_it_came, stretch_);
  } else {
    std::copy(as_it_came.begin(), as_it_came.end(), stretch_.begin());
  }
  is_denoised_ = is_wanted;
  const std::span<float> end = std::span(heard_).last(stretch_.size());
  for (size_t i = 0; i < fade_in_.size(); ++i) stretch_[i] = dsp::faded(fade_in_[i], stretch_[i], end[i]);
  std::copy(stretch_.begin(), stretch_.end(), end.begin());
}

/// So many samples at the end of the window are new.
void StreamInput::resample(size_t fresh) {
  shift(window_16k_, sizes_.frames(sizes_.block) * kPitchHop);
  const int64_t told_again = sizes_.frames(static_cast<int64_t>(fresh) - sizes_.block);
  // The hop before them is resampled with what comes behind it.
  changed_hops_ = told_again > 0 ? told_again + 1 : 0;
  const int64_t frames = sizes_.frames(static_cast<int64_t>(fresh)) + kWarmHops;
  const std::span<float> resampled = std::span(resampled_).first(static_cast<size_t>(frames * kPitchHop));
  resampler_.run(std::span(heard_).last(static_cast<size_t>(frames * sizes_.hop)), resampled);
  const size_t told = std::min(resampled.size() - kPitchHop, window_16k_.size());
  std::copy(resampled.end() - static_cast<int64_t>(told), resampled.end(),
            window_16k_.end() - static_cast<int64_t>(told));
}

void StreamInput::reset() {
  gate_.reset();
  denoiser_.forget();
  std::fill(samples_.begin(), samples_.end(), 0.0F);
  std::fill(heard_.begin(), heard_.end(), 0.0F);
  std::fill(window_16k_.begin(), window_16k_.end(), 0.0F);
}

}  // namespace contentvec::conversion
