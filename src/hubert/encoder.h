#pragma once

#include "hubert/packed_model.h"
#include "hubert/workspace.h"
#include "nn/context.h"

namespace contentvec::hubert {

/// ContentVec's conditional LayerNorms for the speakers of the batch, which the blocks then use; nothing for
/// a model without.
void prepare_speaker_norms(const PackedModel& model, Workspace& workspace, const nn::Context& context);

/// hidden += GELU(pos_conv(hidden)), with its BatchNorm if it has one; a post-norm model's
/// hidden = LayerNorm(hidden).
void add_positions(const PackedModel& model, Workspace& workspace, const nn::Context& context);

/// One transformer block on workspace.hidden, `index` from 0.
///   post-norm:  x = LN(x + attention(x));  x = LN(x + fc2(GELU(fc1(x))))
///   pre-norm:   x = x + attention(LN(x));  x = x + fc2(GELU(fc1(LN(x))))
void run_block(const PackedModel& model, int index, Workspace& workspace, const nn::Context& context);

/// A pre-norm model's last LayerNorm, out of place: workspace.sum = LayerNorm(workspace.hidden).
void normalise_output(const PackedModel& model, Workspace& workspace, const nn::Context& context);

}  // namespace contentvec::hubert
