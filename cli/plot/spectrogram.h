#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace contentvec::cli::plot {

/// What an axis of frequencies shows, from its bottom to its top. Octaves are equally high, as voices move in them.
struct FrequencyRange {
  double lowest;   ///< Hz, above 0
  double highest;  ///< Hz

  /// 0 at the bottom, 1 at the top.
  [[nodiscard]] double place_of(double hz) const {
    return std::log(hz / lowest) / std::log(highest / lowest);
  }
  [[nodiscard]] double hz_at(double place) const { return lowest * std::pow(highest / lowest, place); }
};

/// What speech has of frequencies at 16 kHz.
inline constexpr FrequencyRange kSpeechRange = {50, 8000};

/// What a pitch is shown in (Hz for each frame; 0 where unvoiced): the range of RVC's scale of pitches, 50 to 1100 Hz,
/// or more where the pitch leaves it.
FrequencyRange range_for(std::span<const float> f0);

/// How loud a recording is over time and frequency.
struct Spectrogram {
  int64_t columns = 0;  ///< evenly spaced over the recording
  int64_t rows = 0;     ///< evenly spaced over the range, the lowest first
  double seconds = 0;   ///< of the recording
  FrequencyRange range = {};
  /// [columns, rows], 0 (60 dB below the loudest, and less) to 1 (the loudest).
  std::vector<float> levels = {};
};

/// Of a waveform at `rate` Hz; the range ends at half the rate where it would go beyond. There is a column for each
/// 10 ms, at most as many as a picture has pixels; each is of a few spectra. So time and memory are bounded, however
/// long the recording.
Spectrogram spectrogram_of(std::span<const float> waveform, int rate, FrequencyRange range);

}  // namespace contentvec::cli::plot
