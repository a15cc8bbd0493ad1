#pragma once

#include <span>
#include <vector>

#include "conversion/stream_sizes.h"
#include "dsp/spectral_gate.h"

namespace contentvec::conversion {

/// Takes steady noise out of what a voice made of a block, judged by as much of what it made before as a window is
/// long.
class OutputDenoiser {
 public:
  explicit OutputDenoiser(const StreamSizes& sizes);

  /// made: [sizes.made()], in place.
  void run(std::span<float> made);
  void reset();

 private:
  size_t block_;
  dsp::SpectralGate gate_;
  std::vector<float> heard_;  ///< the last block's worth of each block, [sizes.window()]
};

}  // namespace contentvec::conversion
