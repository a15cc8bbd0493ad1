#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contentvec/model.h"

namespace contentvec {

/// Throws Error when `waveform` is too short for one frame, or a sample of it is not finite.
void check_waveform(const ModelConfig& config, std::span<const float> waveform);

/// Zero mean and unit variance over a whole waveform, eps 1e-5 (fairseq: F.layer_norm(wav, wav.shape)); sums
/// in double.
class Normaliser {
 public:
  explicit Normaliser(std::span<const float> whole);
  /// The whole waveform, or a piece of it, normalised.
  void apply(std::span<const float> samples, std::vector<float>& result) const;

 private:
  double mean_ = 0;
  double factor_ = 1;
};

/// Of the whole waveform, where it is to be normalised.
std::optional<Normaliser> normaliser_of(const ModelConfig& config, Normalize normalize,
                                        std::span<const float> whole);

/// Frames of kPassSeconds.
int64_t pass_frames(const ModelConfig& config);

}  // namespace contentvec
