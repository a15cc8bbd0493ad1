#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "contentvec/model.h"
#include "contentvec/retriever.h"
#include "contentvec/voice.h"

namespace contentvec::conversion {

/// Throws Error where they do not fit together: a model without the voice's stage, a retriever of another dimension.
void check_parts(const Model& model, const Voice& voice, const std::optional<Retriever>& retriever);

/// A model's features as a voice takes them: every frame twice, and the last as often as there are more. features:
/// [frames, dim]; out: [hops of 10 ms, dim], of which the first is `offset` hops behind where the features begin
/// (before them, where it is negative, the first frame stands).
void double_frames(std::span<const float> features, int64_t dim, int64_t offset, std::span<float> out);

}  // namespace contentvec::conversion
