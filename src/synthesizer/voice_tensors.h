#pragma once

#include <vector>

#include "synthesizer/voice_config.h"
#include "tensors/synthetic.h"

namespace contentvec::synthesizer {

/// Every tensor of such a voice that inference needs, by RVC's names, weight norm as weight_g and weight_v, with what
/// makes it up where its weights are synthetic.
std::vector<tensors::Synthetic> voice_tensors(const VoiceConfig& config);

}  // namespace contentvec::synthesizer
