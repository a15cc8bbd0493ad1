#pragma once

#include <soxr.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/pages.h"

namespace contentvec::audio {

/// Resamples a mono waveform that comes block by block; where the blocks end does not show in the result.
/// libsoxr at its HQ setting, which is librosa's "soxr_hq". Equal rates pass every sample on as it is.
class Resampler {
 public:
  /// Throws Error for a rate outside 1 .. 1,000,000 Hz.
  Resampler(int from_rate, int to_rate);
  void push(std::span<const float> waveform);
  /// Samples of the result, as far as it is known: ceil(samples * to / from).
  [[nodiscard]] int64_t size() const;
  /// The whole result, ceil(samples * to / from) long; call once, at the end.
  std::vector<float> finish();

 private:
  struct Delete {
    void operator()(soxr_t soxr) const { soxr_delete(soxr); }
  };
  /// Feeds libsoxr from the front of `waveform` (null data: the end of it) and keeps what comes out.
  struct Progress {
    size_t consumed;
    size_t produced;
  };
  Progress process(std::span<const float> waveform);
  void keep(std::span<const float> samples);

  int from_;
  int to_;
  std::unique_ptr<soxr, Delete> soxr_;  ///< null for equal rates
  int64_t consumed_ = 0;
  std::vector<float> block_;  ///< what libsoxr writes to
  /// The result so far, in parts: one array that grows would at times take the memory of two.
  using Part = std::vector<float, PageAllocator<float>>;
  std::vector<Part> parts_;
};

}  // namespace contentvec::audio
