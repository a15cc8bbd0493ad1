#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audio/byte_source.h"

namespace contentvec::audio {

/// A file that libsndfile can decode whole.
struct Stream {
  std::unique_ptr<ByteSource> bytes;
  /// Why the end of `bytes` is not the recording's ("its last page is missing"), or "".
  std::string_view cut = {};
  /// The number of frames that libsndfile tells is its guess.
  bool is_length_guessed = false;
};

/// What an audio file holds, found by a look of our own at its container before libsndfile sees any of it.
///
/// libsndfile believes headers: it stops where they say, and where they say nothing sensible it refuses. Here
/// what they say is compared with what is there, and libsndfile is given a file whose header is right: cut
/// from tags around it, with its sizes corrected, joined files one after the other.
struct Contents {
  std::vector<Stream> streams;        ///< to be decoded one after the other; they refer to the source
  std::vector<std::string> warnings;  ///< what the headers promise, where something else is there
};

/// Throws Error, its text beginning with `doing`, for what is recognised and not read here. A file of unknown
/// kind is given as it is: libsndfile knows more kinds. The source must outlive the result.
Contents find_contents(ByteSource& source, const std::string& doing);

/// Throws the Error for what is not recognised at all, or not well-formed.
[[noreturn]] void refuse_format(const std::string& doing, std::string_view reason);

/// Whether the first bytes of a stream belong to a kind of audio file that is known here.
bool begins_as_audio(ByteSource& source);

}  // namespace contentvec::audio
