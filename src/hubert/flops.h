#pragma once

#include <cstdint>

#include "contentvec/model.h"

namespace contentvec::hubert {

/// Floating-point operations of one utterance of `frames` frames, from its waveform to the model's output:
/// two for each product of a convolution, a linear layer or attention. Norms, activations and softmax, about
/// 1 % of the work, are not counted, nor is final_proj, which the model's output is before. Base: 148e9 for
/// 10 s.
double flops(const ModelInfo& model, int64_t frames);

}  // namespace contentvec::hubert
