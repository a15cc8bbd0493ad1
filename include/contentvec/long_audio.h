#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "contentvec/export.h"
#include "contentvec/model.h"

namespace contentvec {

/// How a recording too long for one pass of the model is cut. See docs/long-audio.md for the rule, and for
/// how far the features are from those of the uncut recording.
struct LongAudioOptions {
  /// The longest piece, in seconds, not counting overlaps. Longer recordings are cut, at the quietest points.
  /// 0 cuts nothing, whatever memory that takes; any other value must be at least ten frames (0.2 s for
  /// base), and below some seconds the features suffer.
  double max_seconds = kPassSeconds;
  /// Seconds of audio before and after every piece that the model is given too, as context; their features
  /// are thrown away. In 0 .. max_seconds.
  double overlap_seconds = 0;
};

/// A piece of a waveform. The pieces' kept frames, one after the other, are the frames of the whole.
struct Piece {
  int64_t first_sample = 0;  ///< The sample of the waveform at which what the model is given begins.
  int64_t samples = 0;       ///< Samples that the model is given, overlaps included.
  int64_t first_frame = 0;   ///< The first frame of the whole that is kept of this piece.
  int64_t frames = 0;        ///< Frames that are kept.
  int64_t skipped = 0;       ///< Frames of the piece before the first that is kept.
  bool operator==(const Piece&) const = default;
};

/// Where `waveform` (16 kHz mono, at least one frame of it) is cut. What a piece is given begins a whole
/// number of hops into the waveform and ends with the receptive field of its last frame, but for the last
/// piece, which ends with the waveform. Throws Error for options out of range and a waveform too short.
CONTENTVEC_API std::vector<Piece> cut_at_quiet_points(std::span<const float> waveform,
                                                      const ModelConfig& config,
                                                      const LongAudioOptions& long_audio = {});

class Normaliser;

/// A recording on its way through a model: checked, and its pieces planned, once. Immutable, so that any
/// number of threads may use it at once; copies share nothing that changes.
class PlannedRecording {
 public:
  /// Plans `waveform` (16 kHz mono), which stays the caller's and must outlive this, as cut_at_quiet_points()
  /// does. Where `normalize` comes to that with this model, its pieces are normalised with the mean and
  /// variance of the whole. Throws Error for options out of range, and for a waveform that is too short or
  /// holds a sample that is not finite.
  CONTENTVEC_API PlannedRecording(std::span<const float> waveform, const ModelConfig& config,
                                  const LongAudioOptions& long_audio = {},
                                  Normalize normalize = Normalize::kAuto);

  /// In order; a recording that need not be cut is one piece.
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }

  /// The samples that the model is given for one of the pieces, with Normalize::kOff: part of the waveform, or
  /// of `normalised`, which is then filled.
  [[nodiscard]] CONTENTVEC_API std::span<const float> samples_of(const Piece& piece,
                                                                 std::vector<float>& normalised) const;

 private:
  std::span<const float> waveform_;
  std::vector<Piece> pieces_;
  std::shared_ptr<const Normaliser> normaliser_;  ///< Null where the waveform is taken as it is.
};

/// One piece of a planned recording, which must outlive it.
struct PlannedPiece {
  const PlannedRecording* recording = nullptr;
  size_t number = 0;  ///< Which of recording->pieces().
};

/// Extracts `stages` of a batch of pieces, of one recording or of many: result[i][stage] holds the kept frames
/// of pieces[i]. On the CPU no bit of it depends on what is in the batch. A speaker embedding in `options` is
/// for all, or one row for each piece; their `normalize` was settled with the plan. Throws Error and
/// std::bad_alloc as Model::extract_batch_stages does. May be called from any number of threads at once.
[[nodiscard]] CONTENTVEC_API std::vector<std::vector<Features>> extract_piece_batch(
    const Model& model, std::span<const PlannedPiece> pieces, std::span<const Stage> stages,
    const ExtractOptions& options = {});

/// Takes the features of one piece: stages[i] holds frames `first_frame` and following of the whole, for the
/// stage i that was asked for. It is called from the thread that extracts, and may throw.
using TakePiece = std::function<void(int64_t first_frame, std::vector<Features> stages)>;

/// Extracts `stages` of a waveform of any length (16 kHz mono), piece by piece, and hands every piece's
/// features to `take` as soon as they are there, in order, so that memory does not grow with the length of
/// the recording. All in all they are config().frames(samples) frames per stage. Where the checkpoint
/// normalises, the mean and variance are the whole waveform's.
///
/// A waveform that need not be cut gives, in one call of `take`, what Model::extract_stages gives, bit for
/// bit. Throws Error as that does, for everything that the caller got wrong before the first piece, and
/// passes on what `take` throws. May be called from any number of threads at once.
CONTENTVEC_API void extract_pieces(const Model& model, std::span<const float> waveform,
                                   std::span<const Stage> stages, const LongAudioOptions& long_audio,
                                   const ExtractOptions& options, const TakePiece& take);

/// The same for the one stage of `options`, as one array: [config().frames(samples), dim].
CONTENTVEC_API Features extract_long(const Model& model, std::span<const float> waveform,
                                     const LongAudioOptions& long_audio = {},
                                     const ExtractOptions& options = {});

}  // namespace contentvec
