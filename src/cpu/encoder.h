#pragma once

#include "cpu/packed_model.h"
#include "cpu/workspace.h"

namespace contentvec::cpu {

/// ContentVec's conditional LayerNorms for the speakers of the batch, which the blocks then use; nothing for
/// a model without.
void prepare_speaker_norms(const PackedModel& model, const Context& context);

/// x += GELU(pos_conv(x)), with its BatchNorm if it has one; a post-norm model's x = LayerNorm(x).
void add_positions(const PackedModel& model, const Context& context);

/// One transformer block on workspace.x, `index` from 0.
///   post-norm:  x = LN(x + attention(x));  x = LN(x + fc2(GELU(fc1(x))))
///   pre-norm:   x = x + attention(LN(x));  x = x + fc2(GELU(fc1(LN(x))))
void run_block(const PackedModel& model, int index, const Context& context);

/// The pre-norm model's final LayerNorm, out of place: workspace.y = LayerNorm(workspace.x).
void final_norm(const PackedModel& model, const Context& context);

}  // namespace contentvec::cpu
