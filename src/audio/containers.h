#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "audio/contents.h"
#include "audio/scanner.h"

namespace contentvec::audio {

// The kinds of files that find_contents looks into. Each function takes the file's part without tags; it
// returns nothing when the header makes no sense to it, which is then for libsndfile to say.

struct Part {
  ByteSource& source;
  int64_t begin;
  int64_t end;
  const std::string& doing;  ///< begins the text of an Error
};

std::optional<Contents> wav_contents(const Part& part);   ///< RIFF, RIFX, RF64, BW64
std::optional<Contents> w64_contents(const Part& part);   ///< Sony's, of GUIDs
std::optional<Contents> aiff_contents(const Part& part);  ///< AIFF, AIFF-C
std::optional<Contents> svx_contents(const Part& part);   ///< Amiga's, 8SVX and 16SV
std::optional<Contents> caf_contents(const Part& part);
std::optional<Contents> au_contents(const Part& part);
std::optional<Contents> voc_contents(const Part& part);
std::optional<Contents> sphere_contents(const Part& part);
std::optional<Contents> flac_contents(const Part& part);
std::optional<Contents> ogg_contents(const Part& part);
std::optional<Contents> mpeg_contents(const Part& part);

/// Whether libsndfile would take this for MP3, though no frames were found that follow each other. mpg123
/// then prints what it thinks of it.
bool is_unsure_mpeg(Scanner& scan, int64_t begin);

/// The part as it is.
Contents as_it_is(const Part& part);

/// The warning where a second file follows the first, of a kind that is not taken apart.
inline constexpr std::string_view kJoined = "another file is joined to it, of which nothing was taken";

/// The most streams that may be joined in one file, so that opening them takes no more time than decoding.
inline constexpr size_t kMostStreams = 4096;
void check_stream_count(const Part& part, size_t count);

/// The end of what is not tags: ID3v1, ID3v2's at a file's end, APE and Lyrics3.
int64_t end_before_tags(Scanner& scan, int64_t begin, int64_t end);
/// The first byte behind ID3v2 tags at `begin`.
int64_t begin_behind_tags(Scanner& scan, int64_t begin, int64_t end);

}  // namespace contentvec::audio
