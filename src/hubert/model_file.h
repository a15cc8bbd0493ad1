#pragma once

#include <optional>
#include <string>

#include "contentvec/model.h"
#include "hubert/weights.h"

namespace contentvec::hubert {

/// A model found in a checkpoint: what it is, and its weights, complete and of the right shapes but not yet
/// read.
struct ModelFile {
  ModelInfo info;
  Weights weights;
};

/// Opens `spec` (see Model::load): recognises the layout, settles the configuration, checks every tensor.
/// `given`, when it is there, is taken before anything the file says.
ModelFile open_model_file(const std::string& spec, const std::optional<ModelConfig>& given,
                          const HubOptions& hub = {});
ModelFile open_model_file(const VirtualFile& file, const std::optional<ModelConfig>& given);

}  // namespace contentvec::hubert
