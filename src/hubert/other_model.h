#pragma once

#include <string_view>

#include "checkpoint/checkpoint.h"

namespace contentvec::hubert {

/// What a file without a speech model in it is, where its tensors' names tell; else empty. People keep these
/// files in one folder with the model, and some have the same ending.
[[nodiscard]] std::string_view describe_other_model(const checkpoint::Checkpoint& file);

}  // namespace contentvec::hubert
