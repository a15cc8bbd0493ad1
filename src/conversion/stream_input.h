#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "conversion/stream_sizes.h"
#include "dsp/noise_gate.h"
#include "dsp/spectral_gate.h"
#include "dsp/window_resampler.h"

namespace contentvec::conversion {

/// The newest samples of a stream, as they came and at 16 kHz: the window that every block is converted in.
class StreamInput {
 public:
  explicit StreamInput(const StreamSizes& sizes);

  /// Moves the window on by a block. Samples that are not finite become 0; what is quieter than the settings' gate is
  /// silence, and steady noise is taken out where they say so.
  void push(std::span<const float> block, const StreamSettings& settings);
  void reset();

  /// [sizes.window()]
  [[nodiscard]] std::span<const float> window() const {
    return std::span(heard_).last(static_cast<size_t>(sizes_.window()));
  }
  /// The same at 16 kHz.
  [[nodiscard]] std::span<const float> window_16k() const { return window_16k_; }
  /// Hops before the last block that changed with it, in window_16k().
  [[nodiscard]] int64_t changed_hops() const { return changed_hops_; }

 private:
  size_t take(double gate_db);
  void denoise(bool is_wanted);
  void resample(size_t fresh);

  const StreamSizes& sizes_;
  dsp::NoiseGate gate_;
  dsp::SpectralGate denoiser_;
  dsp::WindowResampler resampler_;
  std::vector<float> block_;     ///< without what is not finite
  std::vector<float> samples_;   ///< the window as it came, gated
  std::vector<float> heard_;     ///< the window, and before it what the resampler wants
  std::vector<float> stretch_;   ///< its end without noise
  std::vector<double> fade_in_;  ///< into that, sin^2
  bool is_denoised_ = false;     ///< the end of heard_ is without noise
  std::vector<float> window_16k_;
  std::vector<float> resampled_;
  int64_t changed_hops_ = 0;
};

}  // namespace contentvec::conversion
