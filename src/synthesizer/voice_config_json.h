#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "synthesizer/voice_config.h"

namespace contentvec::synthesizer {

/// A voice's configuration out of an object that has RVC's fields by name: inter_channels, ..., spk_embed_dim,
/// gin_channels, sr (Hz, or a text as "48k"), and besides them version ("v1" where absent) and f0 (1 where absent).
/// Of this library's own are `phone_channels`, which follows from version, and `embedder_model` and `last_layer`, which
/// are VoiceConfig's where absent. What only training needs (spec_channels, segment_size, p_dropout) is passed over.
///
/// Throws Error, naming `origin`, for a field that is missing or of another type. The values may still be any: see
/// VoiceConfig::validate().
VoiceConfig voice_config_from_json(const nlohmann::json& object, const std::string& origin);

/// The fields of a checkpoint's `config`, a list of 18, as such an object. Throws Error for any other number of them.
nlohmann::json voice_fields_of_list(const nlohmann::json& list, const std::string& origin);

/// The object that voice_config_from_json() reads.
nlohmann::json to_json(const VoiceConfig& config);

/// Hz of `sr` as files have it: a number, or a text as "48k" or "48000". Throws Error for anything else.
int sample_rate_from_json(const nlohmann::json& value, const std::string& origin);

}  // namespace contentvec::synthesizer
