#pragma once

#include <string>

#include "contentvec/voice.h"
#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// The metadata key of a safetensors file of this library's own that has the configuration, as to_json() gives it.
/// What else is said of the voice are entries of their own.
inline constexpr const char* kVoiceMetadata = "contentvec.voice";

/// A voice found in a file.
struct VoiceFile {
  VoiceConfig config;  ///< valid
  /// By RVC's names and in torch's order of axes: those of voice_tensors(config), where a layer's weight_g and weight_v
  /// may be one `weight` (tensors::read_weight). Their shapes are right, their values not yet read.
  tensors::NamedTensors tensors;
  VoiceInfo info;
};

/// Opens `spec` (see Voice::load). Throws Error for what is no voice, naming what it is.
VoiceFile open_voice_file(const std::string& spec, const VoiceLoadOptions& options);

/// As is_voice() does, but throws Error for what cannot be opened.
bool holds_voice(const std::string& spec);

}  // namespace contentvec::synthesizer
