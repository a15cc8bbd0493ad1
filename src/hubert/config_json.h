#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "contentvec/config.h"

namespace contentvec::hubert {

/// What ModelConfig::from_json reads: this library's form or a Hugging Face config.json. Validated.
ModelConfig config_from_json(const nlohmann::json& object, std::string_view origin);

/// From a fairseq checkpoint's `cfg` (nested: model, task) or `args` (flat), as checkpoint::Checkpoint holds
/// it among its entries. Returns false, leaving `config` alone, when it does not describe a HuBERT-like model at all.
bool config_from_fairseq(const nlohmann::json& object, std::string_view origin, ModelConfig& config);

std::string config_to_json(const ModelConfig& config);

/// config.json for Hugging Face's HubertModel, indented.
std::string config_to_hf_json(const ModelConfig& config);

}  // namespace contentvec::hubert
