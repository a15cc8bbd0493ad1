#pragma once

#include <map>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"
#include "synthesizer/voice_config.h"

namespace contentvec::synthesizer {

/// What a file says of the voice in it, besides its tensors.
struct VoiceStatement {
  std::optional<VoiceConfig> config;  ///< nothing: it does not say
  std::map<std::string, std::string> notes;
};

/// Reads it: a checkpoint's own entries, mlx-rvc's JSON beside the file, or safetensors' metadata. Throws Error for a
/// configuration that cannot be read, and where it says that the voice is of a kind that is not computed here, by its
/// name.
VoiceStatement read_statement(const checkpoint::Checkpoint& file);

}  // namespace contentvec::synthesizer
