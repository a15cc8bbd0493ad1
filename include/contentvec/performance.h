#pragma once

#include <cstdint>

#include "contentvec/device.h"
#include "contentvec/export.h"
#include "contentvec/model.h"

namespace contentvec {

/// Floating-point operations of one utterance of `frames` frames, from its waveform to the model's output:
/// two for each product of a convolution, a linear layer or attention. Norms, activations and softmax, about
/// 1 % of the work, are not counted, nor is final_proj, which the model's output is before. Base: 148e9 for
/// 10 s. Over the seconds that an extraction took, this is its speed.
[[nodiscard]] CONTENTVEC_API double flops(const ModelInfo& model, int64_t frames);

/// What the CPU can do at most, in operations a second, counted as flops() does.
struct CpuPeak {
  double best = 0;    ///< Of several rounds: what a share of the peak is of.
  double median = 0;  ///< Far below `best` when something else is running.
};

/// Measures it by loops over registers, with the instructions that products of this type use here: on
/// `threads` threads at once (0: one per CPU this process may use), in 10 rounds of 20 milliseconds. Throws
/// Error for kF16, which the CPU does not compute in, for a number of threads that is not 0 to kMaxThreads,
/// and when the system does not give so many.
[[nodiscard]] CONTENTVEC_API CpuPeak measure_cpu_peak(DType dtype, int threads = 0);

}  // namespace contentvec
