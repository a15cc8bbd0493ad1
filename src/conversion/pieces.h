#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::conversion {

// Lengths in samples of 16 kHz.
inline constexpr int64_t kSecond = 16000;
/// Mirrored before and behind a recording: what is cut off at the end.
inline constexpr int64_t kPad = kSecond;
/// A frame of the pitch, and of what the voice takes.
inline constexpr int64_t kPitchHop = 160;
inline constexpr int64_t kPadFrames = kPad / kPitchHop;

/// Where a recording is cut: near every `every` samples, at the quietest point within `search` of it.
struct CutRule {
  int64_t every = 38 * kSecond;
  int64_t search = 6 * kSecond;
  int64_t longest = 41 * kSecond;  ///< that is not cut, with a frame of the pitch
};

/// The samples of a recording at which it is cut, all multiples of kPitchHop: of a few points equally quiet the first.
/// Quiet is what has a small sum of magnitudes in the 160 samples around it; the recording is mirrored at its ends.
std::vector<int64_t> find_cuts(std::span<const float> recording, const CutRule& rule);

/// What is converted at a time: a part of the padded recording, with its kPad before and behind it, and a frame more
/// where another part follows.
struct Piece {
  int64_t begin = 0;       ///< in the padded recording, and of what is kept in the recording itself
  int64_t samples = 0;     ///< with the padding
  int64_t f0_frames = 0;   ///< of the pitch that are for it, from begin / kPitchHop on
  int64_t own_frames = 0;  ///< from its begin to that of the next, or to the end
};

/// One, or with cuts some more, for a recording of so many samples.
std::vector<Piece> pieces_between(std::span<const int64_t> cuts, int64_t samples);

}  // namespace contentvec::conversion
