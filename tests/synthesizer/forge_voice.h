#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "golden.h"
#include "synthesizer/voice_config.h"

// Voices as torch writes them, of a few kilobytes, so that a test can get anything about them wrong.

namespace contentvec::test {

/// RVC's version 2 with pitch, with every size as small as can be: 16 kHz, two upsamplings, one residual block each.
synthesizer::VoiceConfig smallest_voice();

/// A voice to be written. What `config` and `entries` hold are opcodes of pickles, as checkpoint/forge.h makes them.
struct ForgedVoice {
  /// A good one of these sizes, with synthetic weights of seed 0.
  explicit ForgedVoice(const synthesizer::VoiceConfig& config = smallest_voice());

  std::map<std::string, Reference> tensors;
  std::vector<std::string> config;  ///< the 18 fields
  std::vector<std::pair<std::string, std::string>>
      entries;                         ///< "info", "f0", "version" ...: what stands beside
  std::string weights_key = "weight";  ///< "model" in a training checkpoint
  bool with_config = true;

  /// As a torch zip.
  [[nodiscard]] std::string bytes() const;
  /// Sets an entry, or adds it.
  void set(const std::string& key, const std::string& value);
};

}  // namespace contentvec::test
