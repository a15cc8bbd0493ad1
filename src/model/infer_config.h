#pragma once

#include <string>

#include "contentvec/config.h"
#include "model/found_tensors.h"

namespace contentvec::model {

/// Reads the architecture off the tensors' names and shapes, where nothing else says it: head size 64,
/// fairseq's usual strides for its usual kernels, LayerNorm frontend means pre-norm. Throws Error asking for
/// a configuration where these cannot hold.
ModelConfig infer_config(const FoundTensors& found, const std::string& source);

}  // namespace contentvec::model
