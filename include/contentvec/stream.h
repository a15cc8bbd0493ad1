#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "contentvec/converter.h"
#include "contentvec/export.h"
#include "contentvec/model.h"
#include "contentvec/pitch.h"
#include "contentvec/retriever.h"
#include "contentvec/voice.h"

namespace contentvec {

/// How much a block hears of what was before it.
enum class StreamQuality {
  kExact,  ///< What RVC's real-time program computes, bit for bit what its steps give.
  /// Features of the last StreamOptions::fast_context_ms alone, with the level of the whole window: half of the work.
  /// docs/real-time.md says what that changes.
  kFast,
};

/// What may change while a stream runs.
struct StreamSettings {
  double key = 0;       ///< Semitones up; -48 to 48.
  double formant = 0;   ///< Semitones up; -12 to 12.
  int64_t speaker = 0;  ///< Of the voice's.
  /// How much of the features comes from the retriever, where there is one; 0 to 1.
  float index_rate = kIndexRate;
  /// How much of what the retriever changes stays in frames without pitch; 0 to 0.5, which is all of it, as in RVC.
  float protect = 0.5F;
  float rms_mix_rate = 1;  ///< 1: loudness as synthesized; 0: as the input's.
  /// 10 ms of the input that are less loud than this are silence to the voice; dB of full scale, -60 (none are) to 0.
  double gate_db = -60;
  /// Steady noise is taken out of what is spoken, or of what the voice makes of it; neither makes it later.
  bool denoise_input = false;
  bool denoise_output = false;
  Unvoiced unvoiced = Unvoiced::kInterpolate;
  bool bypass = false;  ///< The input is heard, as late as the voice would be.
};

/// What stays as it is. Lengths are rounded to 10 ms.
struct StreamOptions {
  int rate = 48000;          ///< Hz of what goes in and comes out: a multiple of 100, 8000 to 192,000.
  double block_ms = 250;     ///< Taken and given at a time; 20 to 2000.
  double extra_ms = 2500;    ///< Heard before it, 0 to 10,000: more sounds better, and takes longer.
  double crossfade_ms = 50;  ///< From block to block, 10 to 500; of which at most 40 are faded.
  double search_ms = 10;  ///< A block may begin so much later, where it fits the one before best; 10 to 100.
  StreamQuality quality = StreamQuality::kExact;
  double fast_context_ms = 750;  ///< What StreamQuality::kFast hears before a block; at most extra_ms.
  std::optional<double> pitch_threshold = {};  ///< As PitchOptions::threshold.
  uint64_t seed = 0;                           ///< Of the noise: the same input gives the same output.
  StreamSettings settings = {};
};

/// What became of a block.
enum class StreamStatus {
  kOk,
  kWrongSize,  ///< The spans are not of block() samples: nothing was done.
  kFailed,     ///< The output is silence; VoiceStream::error() says why. The stream goes on.
};

/// How a stream has been running.
struct StreamStats {
  int64_t blocks = 0;
  int64_t failed = 0;     ///< Blocks of them that came out silent, as StreamStatus::kFailed.
  int64_t underruns = 0;  ///< Blocks of them that took longer than they last.
  double last_ms = 0;     ///< What the last took.
  double mean_ms = 0;
  double p99_ms = 0;  ///< To a hundredth part.
  double worst_ms = 0;
  int64_t sola_offset = 0;  ///< Of the last block: by so many samples it begins later, 0 to search_ms.
  float input_level = 0;    ///< Root mean square of the last block, 0 to 1.
  float output_level = 0;
  float f0 = 0;  ///< Hz, the pitch of the last voiced frame of the block as the input has it; 0: none is.
};

/// Voice conversion as it is spoken: a block of samples in, the block that is heard out.
///
/// process() is for one thread at a time. All other members may be called from other threads while it runs, and what
/// they change takes effect at the beginning of a block, faded from the block before. After the first block process()
/// takes no memory (but for what FAISS takes in a search, where there is a retriever), opens no file, waits for no
/// lock, and throws nothing; the parts are shared as in Converter, and one that several streams use at once takes
/// memory for each of them once.
///
/// A result depends on the parts, the options, the input and when settings changed alone, bit for bit, not on threads
/// or time.
///
/// Source: RVC WebUI's realtime_gui.py and infer/rtrvc.py; SOLA (Roucos and Wilgus 1985) as DDSP-SVC has it.
class VoiceStream {
 public:
  /// Computes a block of silence, so that the first is as fast as all others. Throws Error where the parts do not fit,
  /// as Converter does, and for an option out of range.
  CONTENTVEC_API VoiceStream(Model model, std::optional<PitchEstimator> pitch, Voice voice,
                             std::optional<Retriever> retriever, const StreamOptions& options = {});
  CONTENTVEC_API ~VoiceStream();
  CONTENTVEC_API VoiceStream(VoiceStream&& other) noexcept;
  CONTENTVEC_API VoiceStream& operator=(VoiceStream&& other) noexcept;

  /// Samples that process() takes and gives.
  [[nodiscard]] CONTENTVEC_API int64_t block() const;
  [[nodiscard]] CONTENTVEC_API int rate() const;
  /// From when a sample is there to when it is heard, in samples, without what computing and the device take: the
  /// block, the crossfade and the search. What process() puts out is later than what it took by this less block().
  [[nodiscard]] CONTENTVEC_API int64_t latency() const;

  /// `in` and `out`: block() mono samples, nominally in [-1, 1]; they may be the same. Samples that are not finite are
  /// taken as silence.
  CONTENTVEC_API StreamStatus process(std::span<const float> in, std::span<float> out) noexcept;

  /// Forgets what it heard. Not while process() runs.
  CONTENTVEC_API void reset() noexcept;

  [[nodiscard]] CONTENTVEC_API StreamSettings settings() const;
  /// Throws Error for one out of range; the former then stay.
  CONTENTVEC_API void set(const StreamSettings& settings);
  /// Speaks with another voice, and with its retriever or none. Computes a block of silence with it first, in the
  /// calling thread. Throws Error where it does not fit; the stream then goes on as it was.
  CONTENTVEC_API void set_voice(Voice voice, std::optional<Retriever> retriever = std::nullopt);

  [[nodiscard]] CONTENTVEC_API StreamStats stats() const;
  /// Why the last block that failed did; empty where none has.
  [[nodiscard]] CONTENTVEC_API std::string error() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace contentvec
