#pragma once

#include "hubert/packed_model.h"
#include "hubert/workspace.h"
#include "nn/context.h"

namespace contentvec::hubert {

/// Waveforms to the projected stage: workspace.hidden[frames, width].
///   conv_features = GELU(norm(conv(...)))     7 convolutions for base
///   x = Linear(LayerNorm(conv_features))
/// The convolutions run tile by tile of output frames, so that their large early activations (64 times the
/// frames for base) never exist at full length.
void run_frontend(const PackedModel& model, Workspace& workspace, const nn::Context& context);

}  // namespace contentvec::hubert
