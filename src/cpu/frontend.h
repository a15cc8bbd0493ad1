#pragma once

#include "cpu/packed_model.h"
#include "cpu/workspace.h"

namespace contentvec::cpu {

/// Waveforms to the projected stage: workspace.x[frames, width].
///   conv_features = GELU(norm(conv(...)))     7 convolutions for base
///   x = Linear(LayerNorm(conv_features))
/// The convolutions run tile by tile of output frames, so that their large early activations (64 times the
/// frames for base) never exist at full length.
void run_frontend(const PackedModel& model, const Context& context);

}  // namespace contentvec::cpu
