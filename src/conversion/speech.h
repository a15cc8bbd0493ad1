#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contentvec/stream.h"
#include "conversion/stream_sizes.h"
#include "dsp/window_resampler.h"

namespace contentvec::conversion {

inline constexpr double kHighestFormant = 12;  ///< semitones; as low as that, too

/// Who speaks in a stream, and how: what may change from block to block, and what follows from it. Made beside the
/// stream, so that taking it over is a pointer's swap.
class Speech {
 public:
  /// Throws Error for settings out of range.
  Speech(const StreamSizes& sizes, Voice voice, std::optional<Retriever> retriever,
         const StreamSettings& settings);

  [[nodiscard]] const Voice& voice() const { return voice_; }
  [[nodiscard]] const std::optional<Retriever>& retriever() const { return retriever_; }
  [[nodiscard]] const StreamSettings& settings() const { return settings_; }

  /// Semitones from the input's pitch to the voice's. Formants are raised by stretching what is synthesized and playing
  /// it back as much faster, which raises the pitch too.
  [[nodiscard]] double pitch_shift() const { return settings_.key - settings_.formant; }
  /// Frames that a block's are stretched to.
  [[nodiscard]] int64_t stretched_frames() const { return stretched_frames_; }

  /// Room for what the voice makes of a block: [stretched_frames() * samples_per_frame].
  [[nodiscard]] std::span<float> audio() { return audio_; }
  /// What is there, played back at the stream's rate, in its time: [sizes.made()].
  void play(std::span<float> made);

 private:
  Voice voice_;
  std::optional<Retriever> retriever_;
  StreamSettings settings_;
  int64_t made_frames_;
  int64_t stretched_frames_;
  int64_t stretched_hop_;  ///< samples of stretched audio that become 10 ms
  dsp::WindowResampler to_voice_rate_;
  dsp::WindowResampler to_rate_;
  std::vector<float> audio_;
  std::vector<float> unstretched_;  ///< at the voice's rate
};

}  // namespace contentvec::conversion
