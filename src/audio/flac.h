#pragma once

#include <cstdint>
#include <string>

namespace contentvec::audio {

/// Throws Error, its text beginning with `doing`, for a number of bits per sample that libsndfile does not
/// read.
void check_flac_depth(uint64_t bits, const std::string& doing);

}  // namespace contentvec::audio
