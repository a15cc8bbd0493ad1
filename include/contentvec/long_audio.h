#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "contentvec/export.h"
#include "contentvec/model.h"

namespace contentvec {

/// How a recording too long for one pass of the model is cut. See docs/long-audio.md for the rule, and for
/// how far the features are from those of the uncut recording.
struct LongAudioOptions {
  /// The longest piece, in seconds, not counting overlaps. Longer recordings are cut, at the quietest points;
  /// 0: never, whatever memory that takes. Else at least ten frames (0.2 s for base); below some seconds the
  /// features suffer.
  double max_seconds = kPassSeconds;
  /// Seconds of what comes before and after that every piece is given too, as context; the features of it are
  /// thrown away. 0 to max_seconds.
  double overlap_seconds = 0;
};

/// A piece of a waveform. The pieces' kept frames, one after the other, are the frames of the whole.
struct Piece {
  int64_t first_sample = 0;  ///< of the waveform, where what the model is given begins
  int64_t samples = 0;       ///< that it is given, overlaps included
  int64_t first_frame = 0;   ///< of the whole, the first that is kept
  int64_t frames = 0;        ///< that are kept
  int64_t skipped = 0;       ///< frames of the piece before the first that is kept
  bool operator==(const Piece&) const = default;
};

/// Where `waveform` (16 kHz mono, at least one frame of it) is cut. What a piece is given begins a whole
/// number of hops into the waveform and ends with the receptive field of its last frame, but for the last
/// piece, which ends with the waveform. Throws Error for options out of range and a waveform too short.
CONTENTVEC_API std::vector<Piece> cut_at_quiet_points(std::span<const float> waveform,
                                                      const ModelConfig& config,
                                                      const LongAudioOptions& cut = {});

/// Takes the features of one piece: result[stage] belongs to frames `first_frame` and following of the whole.
using TakePiece = std::function<void(int64_t first_frame, std::vector<Features> stages)>;

/// Extracts `stages` of a waveform of any length, piece by piece, and hands every piece's features to `take`
/// as soon as they are there, in order: memory does not grow with the length of the recording. All in all
/// config().frames(samples) frames per stage. Where the checkpoint normalises, the mean and variance are the
/// whole waveform's.
/// A waveform that need not be cut gives, in one call of `take`, what Model::extract_stages gives, bit for
/// bit. Throws Error as that does, before the first piece for all that the caller got wrong, and passes on
/// what `take` throws.
CONTENTVEC_API void extract_pieces(const Model& model, std::span<const float> waveform,
                                   std::span<const Stage> stages, const LongAudioOptions& cut,
                                   const ExtractOptions& options, const TakePiece& take);

/// The same as one array: [config().frames(samples), dim].
CONTENTVEC_API Features extract_long(const Model& model, std::span<const float> waveform,
                                     const LongAudioOptions& cut = {}, const ExtractOptions& options = {});

}  // namespace contentvec
