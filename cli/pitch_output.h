#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "cli/report.h"
#include "contentvec/pitch.h"

namespace contentvec::cli {

/// What there is to say of a pitch in a word.
struct Voicing {
  size_t frames = 0;                    ///< that are voiced
  std::optional<float> median_hz = {};  ///< of these
};
Voicing voicing_of(const std::vector<float>& f0);

/// What `pitch` writes of a recording.
struct PitchOutput {
  PitchFormat format = PitchFormat::kNpy;
  bool interpolate = false;  ///< frames without pitch get their neighbours'
  double key = 0;            ///< semitones up
  bool for_rvc = false;      ///< the two files of RVC's training instead
  std::string method = {};   ///< "fcpe", for the picture
  bool plot = false;         ///< job.beside has a picture
};

/// Writes a job's outputs: the pitch, and where it is to have one, a picture of it over the spectrogram of `waveform`
/// (16 kHz). What is in the picture is what was estimated. Throws Error.
Outcome write_output(const PitchOutput& output, const Job& job, Pitch pitch,
                     const std::vector<float>& waveform);

/// Throws Error where what is at a job's outputs, which are all there, is not what a run writes. Of a .npy file size
/// and type are looked at, of a picture both ends, and text is read: that whole lines are missing cannot be told.
void check_existing(const PitchOutput& output, const Job& job);

}  // namespace contentvec::cli
