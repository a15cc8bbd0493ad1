#pragma once

#include <string>

#include "contentvec/config.h"
#include "hubert/found_tensors.h"

namespace contentvec::hubert {

/// Reads the architecture off the tensors' names and shapes, where nothing else says it. What these do not
/// show (strides, heads, the order of norms) is known of published models by their sizes; for any other the
/// features would be wrong without a word, so that it throws Error asking for a configuration.
ModelConfig infer_config(const FoundTensors& found, const std::string& source);

}  // namespace contentvec::hubert
