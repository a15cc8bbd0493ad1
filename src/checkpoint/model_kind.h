#pragma once

#include <string_view>

#include "checkpoint/checkpoint.h"

namespace contentvec::checkpoint {

/// What a file without a speech model in it is, where its tensors' names tell: a voice, a pitch estimator, an
/// optimizer's state; else empty. People keep these files in one folder, and some have the same ending.
[[nodiscard]] std::string_view describe_model(const Checkpoint& file);

}  // namespace contentvec::checkpoint
