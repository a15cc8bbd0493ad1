#pragma once

#include "nn/context.h"
#include "nn/feature_map.h"
#include "nn/packed_matrix.h"

namespace contentvec::nn {

/// Whether a 3x3 convolution of such a map is faster by run_winograd(), which the map's size and channels alone decide.
bool winograd_pays(const Kernels& kernels, const FeatureMap& from);

/// to = epilogue(conv(from)): a 3x3 convolution with padding 1 as Kernels::winograd_input describes, over the team.
/// `weights` as Conv2d packs them, which are transformed as they are used: they would take four times the memory.
/// `from` is whole tiles wide; `to` has its size. The bias is the weights' own; the residual, where there is one, is
/// the first pixel of a map like `to`.
void run_winograd(const Context& context, const FeatureMap& from, const PackedMatrix& weights, FeatureMap& to,
                  const Epilogue& epilogue);

}  // namespace contentvec::nn
