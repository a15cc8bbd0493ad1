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
struct ConvertOptions {
  double key = 0;       ///< Semitones up; -48 to 48.
  int64_t speaker = 0;  ///< Of the voice's.
  float index_rate =
      0.75F;               ///< How much of the features comes from the retriever, where there is one; 0 to 1.
  int64_t nprobe = 0;      ///< Lists of it to search; 0: as the index says.
  float protect = 0.33F;   ///< Unvoiced frames keep so much less of the retriever's; 0 to 0.5, which is off.
  float rms_mix_rate = 1;  ///< 1: loudness as synthesized; 0: as the input's.
  Unvoiced unvoiced = Unvoiced::kInterpolate;
  std::optional<double> pitch_threshold = {};  ///< As PitchOptions::threshold.
  std::span<const float> f0 =
      {};              ///< A pitch for each 10 ms of the input, Hz, 0 unvoiced, in place of the estimator's.
  double formant = 0;  ///< Semitones up; 0: as the voice has them.
  double crossfade_ms = 0;  ///< At the cuts of a long recording; 0: RVC's, which are hard.
  uint64_t seed = 0;
  int output_rate = 0;  ///< Hz; 0: the voice's own.
  /// Called from the calling thread with the part that is done, 0 to 1. May throw: that ends the conversion, and
  /// passes through.
  std::function<void(double done)> progress = {};
};

/// A converted recording.
struct Converted {
  std::vector<float>
      waveform;  ///< Mono, before it is scaled to integers: nominally in [-1, 1], but may exceed it.
  int sample_rate = 0;
  Pitch pitch = {};  ///< As estimated, before key and interpolation; empty for a voice without pitch.
};

/// The whole of retrieval-based voice conversion: recording in, another voice out. A model, a pitch estimator (none for
/// a voice without pitch), a voice and perhaps a retriever, all shared: any number of converters may have the same.
///
/// Immutable: every member is const and may be called from any number of threads at once. A result depends on the
/// parts, the recording and the options alone, bit for bit. Memory is bounded by the recording and one piece of it, at
/// most 44 seconds.
///
/// Source: RVC WebUI's infer/vc/pipeline.py.
class Converter {
 public:
  /// Throws Error where the parts do not fit: a model without the voice's stage, a retriever of another dimension, no
  /// estimator for a voice with pitch.
  CONTENTVEC_API Converter(Model model, std::optional<PitchEstimator> pitch, Voice voice,
                           std::optional<Retriever> retriever = std::nullopt);

  /// `waveform`: mono, `rate` Hz, finite, nominally in [-1, 1], at least one sample. Throws Error for anything else,
  /// and for options out of range.
  [[nodiscard]] CONTENTVEC_API Converted convert(std::span<const float> waveform, int rate,
                                                 const ConvertOptions& options = {}) const;

  [[nodiscard]] CONTENTVEC_API const Voice& voice() const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace contentvec
