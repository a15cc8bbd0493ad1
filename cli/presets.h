#pragma once

#include <map>
#include <string>

#include "cli/plan.h"

namespace contentvec::cli {

/// What a program that trains voices extracts from the recordings of an experiment, and where they are:
/// WAVS holds what its preprocessing wrote, 16 kHz, and FEATURES what its training reads.
struct TrainingPreset {
  const char* program;   ///< for messages
  const char* wavs;      ///< folder in an experiment's
  const char* features;  ///< folder in an experiment's
  const char* layer;     ///< as --layer takes it
  bool final_proj;
  bool as_checkpoint_says;  ///< whether the waveform is normalised so; else never
};

/// The training presets, by the name that --preset takes.
const std::map<std::string, TrainingPreset>& training_presets();

/// The plan of a training preset: `directory` is an experiment's, which has the preset's folder of WAV files,
/// or a directory of audio files itself. Each NAME.wav becomes NAME.npy in the folder of features, which is
/// in the experiment's directory, beside that of the audio files, or in `options.out`; so does other audio,
/// unless a WAV file has its name. A shard is what RVC gives to one of its processes: every count-th name in
/// the directory, of which the audio files are taken. Throws UsageError as make_plan does, and where there
/// is nothing to do, which says what was expected and what was found.
Plan make_training_plan(const std::string& directory, const std::string& name, const PlanOptions& options);

}  // namespace contentvec::cli
