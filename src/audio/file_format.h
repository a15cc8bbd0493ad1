#pragma once

#include <cstdint>
#include <string_view>

#include "audio/byte_source.h"

namespace contentvec::audio {

// What libsndfile does not tell about a file, read from a few bytes of it.

/// The name of a format that people have and libsndfile does not read ("WebM or Matroska"), or "".
std::string_view unread_format(ByteSource& source);

/// Whether an MP3 file states its length (a Xing, Info or VBRI header). Where it does not, libsndfile takes
/// the length from the first frame's bit rate, which for a variable bit rate is a guess.
bool mp3_states_length(ByteSource& source);

/// Whether more audio follows `position`, where the decoder took an MP3 file to end: a frame, or more than
/// tags.
bool mp3_goes_on(ByteSource& source, int64_t position);

/// Whether an Ogg file goes on to its last page. libsndfile takes any page for the last (RFC 3533 marks it).
bool ogg_is_whole(ByteSource& source);

}  // namespace contentvec::audio
