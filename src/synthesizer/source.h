#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/context.h"
#include "synthesizer/noise.h"
#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// The harmonic source: a sine of the pitch with a little noise, and more noise where there is no pitch. Wang et al.
/// 2019, arXiv:1904.12088, with the one harmonic that RVC has. Its phase is kept in double and as a fraction of a turn,
/// so that it is right at any length. Immutable once built.
class Source {
 public:
  /// Reads the tensors under "dec.m_source.". Throws Error for a damaged tensor.
  Source(const tensors::NamedTensors& tensors, const VoiceConfig& config);

  /// f0: [frames], Hz, 0 where unvoiced; out: [frames * samples_per_frame]. `phases` is what it works in.
  void run(const nn::Context& context, std::span<const float> f0, const Noise& noise, float* out,
           std::vector<double>& phases) const;

 private:
  [[nodiscard]] double turns_per_sample(float f0) const;

  int64_t samples_per_frame_;
  double sample_rate_;
  double weight_;
  double bias_;
};

}  // namespace contentvec::synthesizer
