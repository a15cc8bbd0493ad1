#pragma once

#include <string_view>
#include <vector>

#include "contentvec/config.h"

namespace contentvec::hubert {

/// fairseq's `conv_feature_layers`: a Python list expression such as "[(512,10,5)] + [(512,3,2)] * 4".
/// Throws Error naming `origin` for anything else.
std::vector<ConvLayer> parse_conv_layers(std::string_view expression, std::string_view origin);

}  // namespace contentvec::hubert
