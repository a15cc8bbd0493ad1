#pragma once

#include <cstdint>

#include "nn/context.h"

namespace contentvec::synthesizer {

/// Rows [from_rows, width] as `to_rows` rows: row i is linearly between those around place (i + 0.5) from_rows /
/// to_rows - 0.5, and the ends stand for what is beyond them. PyTorch's interpolate(mode="linear"). `to` must not
/// overlap `from`.
void resize(const nn::Context& context, const float* from, int64_t from_rows, int64_t width, float* to,
            int64_t to_rows);

}  // namespace contentvec::synthesizer
