#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::dsp {

/// Resamples a stretch of a signal by itself, with zeros before and behind it: a sinc of six zero crossings on either
/// side under a Hann window, as torchaudio.transforms.Resample computes it. It has no memory of what went before, as
/// a block that is converted in its context wants it. Immutable.
class WindowResampler {
 public:
  /// Rates of at least 1, whose ratio alone counts.
  WindowResampler(int64_t from, int64_t to);

  /// Samples that `samples` become: ceil(samples * to / from).
  [[nodiscard]] int64_t size(int64_t samples) const { return (samples * to_ + from_ - 1) / from_; }
  /// out: any number of samples up to size(in.size()), of which the first are computed.
  void run(std::span<const float> in, std::span<float> out) const;

 private:
  int64_t from_;
  int64_t to_;
  int64_t width_ = 0;  ///< samples of the input on either side that the sinc reaches
  std::vector<double>
      kernel_;  ///< [to, 2 width + 1], from `width` before the sample that a result lies behind
};

}  // namespace contentvec::dsp
