#pragma once

#include <optional>
#include <string>

#include "synthesizer/voice_config.h"
#include "tensors/named_tensors.h"

namespace contentvec::synthesizer {

/// What the tensors of a voice say of its architecture: everything but its rates and dilations, which `stated` has
/// where its file says them. Where it does not (a training checkpoint), `sample_rate` decides, and the dilations are
/// HiFi-GAN's usual ones. `tensors` are by RVC's names, with weight norm or without.
///
/// The result is not yet validated, and the tensors may still not fit it. Throws Error, naming `source`, where a tensor
/// that would tell is missing or of another rank, and where the rates cannot be told.
VoiceConfig config_of_tensors(const tensors::NamedTensors& tensors, const std::optional<VoiceConfig>& stated,
                              const std::optional<int>& sample_rate, const std::string& source);

}  // namespace contentvec::synthesizer
