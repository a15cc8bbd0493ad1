#pragma once

#include <cstdint>
#include <span>

namespace contentvec::conversion {

/// Gives frames without pitch back what the retriever took from them: there only `protect` of the difference between
/// `blended` and `own` stays. Consonants and breath have no pitch, and little of their own in an index of vowels. Both
/// are [frames, dim], row-major; f0: [frames], Hz.
void protect_unvoiced(std::span<float> blended, std::span<const float> own, std::span<const float> f0,
                      float protect);

}  // namespace contentvec::conversion
