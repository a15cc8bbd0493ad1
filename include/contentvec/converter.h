#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contentvec/export.h"
#include "contentvec/model.h"
#include "contentvec/pitch.h"
#include "contentvec/retriever.h"
#include "contentvec/voice.h"

namespace contentvec {

/// Frames without pitch.
enum class Unvoiced {
  kInterpolate,  ///< get their neighbours', as in RVC since July 2026
  kKeep,         ///< stay without, as in RVC before and in Applio
};

/// How a recording is converted. The defaults are RVC WebUI's, but that the loudness is left as the voice has it.
/// docs/conversion.md says what one hears of each.
struct ConvertOptions {
  double key = 0;       ///< Semitones up; -48 to 48.
  int64_t speaker = 0;  ///< Of the voice's.
  /// How much of the features comes from the retriever, where there is one; 0 to 1.
  float index_rate = kIndexRate;
  int64_t nprobe = 0;  ///< Lists of it to search; 0: as the index says.
  /// How much of what the retriever changes stays in frames without pitch; 0 to 0.5, which is all of it.
  float protect = 0.33F;
  float rms_mix_rate = 1;  ///< 1: loudness as synthesized; 0: as the recording's.
  Unvoiced unvoiced = Unvoiced::kInterpolate;
  std::optional<double> pitch_threshold = {};  ///< As PitchOptions::threshold.
  /// A pitch for each 10 ms of the recording in place of the estimator's, Hz, 0 where unvoiced; as Pitch::f0, of whose
  /// length it may be one value more or less. It stays the caller's.
  std::span<const float> f0 = {};
  double formant = 0;       ///< Semitones up; -24 to 24. 0: as the voice has them.
  double crossfade_ms = 0;  ///< At the cuts of a long recording, 0 to 500; 0: RVC's, which are hard.
  uint64_t seed = 0;        ///< Of the noise: the same gives the same samples.
  int output_rate = 0;      ///< Hz, 1000 to 1,000,000; 0: the voice's own.
  /// Called from the calling thread with the part that is done, 0 to 1. May throw: that ends the conversion, and
  /// passes through.
  std::function<void(double done)> progress = {};
};

/// A converted recording.
struct Converted {
  /// Mono, before it is scaled to integers: nominally in [-1, 1], but may exceed it. write_audio() and to_pcm16() of
  /// audio.h scale as RVC does. As RVC's it is up to 20 ms shorter than the recording.
  std::vector<float> waveform;
  int sample_rate = 0;
  /// Of the recording, before interpolation and key; of a curve that was given f0 alone. Empty for a voice without
  /// pitch.
  Pitch pitch = {};
};

/// The whole of retrieval-based voice conversion: recording in, another voice out. A model, a pitch estimator, a voice
/// and perhaps a retriever, all shared: any number of converters may have the same.
///
/// Immutable: every member is const and may be called from any number of threads at once. A result depends on the
/// parts, the recording and the options alone, bit for bit. Memory is bounded by the recording, the result, and what a
/// piece of at most 46 seconds takes.
///
/// Source: RVC WebUI's infer/vc/pipeline.py.
class Converter {
 public:
  /// `pitch` may be left out for a voice without pitch, and where every conversion brings a curve of its own. Throws
  /// Error where the parts do not fit: a model without the voice's stage, a retriever of another dimension.
  CONTENTVEC_API Converter(Model model, std::optional<PitchEstimator> pitch, Voice voice,
                           std::optional<Retriever> retriever = std::nullopt);

  /// `waveform`: mono, `rate` Hz (1000 to 1,000,000), finite, nominally in [-1, 1]; at least what is a frame of the
  /// model's, 25 ms. Throws Error for anything else, and for options out of range.
  [[nodiscard]] CONTENTVEC_API Converted convert(std::span<const float> waveform, int rate,
                                                 const ConvertOptions& options = {}) const;

  /// The pitch that convert() finds in a recording, as Converted::pitch has it: to be looked at or changed, and given
  /// back as ConvertOptions::f0; or that of a stereo recording's mean, for each of its channels. Takes and throws what
  /// convert() does, and an Error without an estimator; of the options only pitch_threshold and progress count.
  [[nodiscard]] CONTENTVEC_API Pitch estimate_pitch(std::span<const float> waveform, int rate,
                                                    const ConvertOptions& options = {}) const;

  [[nodiscard]] CONTENTVEC_API const Voice& voice() const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace contentvec
