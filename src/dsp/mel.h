#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// The two scales that are called mel: HTK's 2595 log10(1 + f / 700), and Slaney's, which is linear up to 1 kHz.
enum class MelScale { kHtk, kSlaney };

/// Triangular filters, evenly spaced in mel and of equal area (Slaney's normalisation), as librosa.filters.mel computes
/// them, rounded where it rounds. Immutable.
class MelBasis {
 public:
  MelBasis(MelScale scale, double sample_rate, int64_t fft_size, int64_t mels, double lowest_hz,
           double highest_hz);

  [[nodiscard]] int64_t mels() const { return mels_; }
  /// [mels, fft_size / 2 + 1]
  [[nodiscard]] std::span<const float> weights() const { return weights_; }

  /// out[mel] = log(max(weights * magnitudes, 1e-5)), the sums in double.
  void log_mel(std::span<const double> magnitudes, float* out) const;

 private:
  int64_t mels_;
  int64_t bins_;
  std::vector<float> weights_;
  std::vector<int64_t> first_;  ///< bins that a filter is not zero in: from this
  std::vector<int64_t> end_;    ///< to before this
};

}  // namespace contentvec::dsp
