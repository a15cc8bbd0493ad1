#pragma once

#include "contentvec/device.h"

namespace contentvec::nn {

/// What the processor can do at most, in GFLOP/s (1e9 a second).
struct Peak {
  double best;    ///< of the rounds: what a share of the peak is of
  double median;  ///< far below `best` when something else is running
};

/// Measures it with the kernels select_kernels() chooses: their peak_loop on `threads` threads at once, in 10
/// rounds of 20 milliseconds. Throws Error as select_kernels() and ThreadTeam do.
Peak measure_peak(DType dtype, int threads);

}  // namespace contentvec::nn
