#pragma once

#include "cpu/packed_model.h"
#include "cpu/workspace.h"

namespace contentvec::cpu {

/// x += GELU(pos_conv(x)); a post-norm model's x = LayerNorm(x).
void add_positions(const PackedModel& model, const Context& context, const Batch& batch);

/// One transformer block on workspace.x, `index` from 0.
///   post-norm:  x = LN(x + attention(x));  x = LN(x + fc2(GELU(fc1(x))))
///   pre-norm:   x = x + attention(LN(x));  x = x + fc2(GELU(fc1(LN(x))))
void run_block(const PackedModel& model, int index, const Context& context, const Batch& batch);

/// The pre-norm model's final LayerNorm, out of place: workspace.y = LayerNorm(workspace.x).
void final_norm(const PackedModel& model, const Context& context, const Batch& batch);

}  // namespace contentvec::cpu
