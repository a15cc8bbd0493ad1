#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/plan.h"
#include "cli/recordings.h"

namespace contentvec::cli {

/// One of the steps in which a program that trains voices prepares an experiment, as a preset takes it over: what
/// becomes of the recordings that its preprocessing wrote, and where.
struct TrainingStep {
  const char* program;  ///< for messages
  const char* wavs;     ///< folder in an experiment's: the recordings, 16 kHz
  std::vector<const char*>
      outputs;                   ///< folders in an experiment's: a file of each recording is written to each
  bool keeps_ending = false;     ///< a.wav becomes a.wav.npy rather than a.npy
  const char* passed_over = "";  ///< names that contain this are none of the step's; "": none are
};

/// An option that a command has besides those of every command, and whether it was given.
using GivenOption = std::pair<std::string_view, bool>;

/// Throws UsageError for options that a preset leaves no choice in, and unless there is one input. `preset`: its name.
void check_training_options(const std::string& preset, const TrainingStep& step,
                            const RecordingArguments& recordings, std::vector<GivenOption> options);

/// The plan of a preset: `directory` is an experiment's, which has the step's folder of recordings, or a directory
/// of audio files itself. Each NAME.wav becomes a .npy in the folders of outputs, which are in the experiment's
/// directory, beside that of the audio files, or in `options.output.out`; so does other audio, unless a WAV file
/// has its name. A shard is what RVC gives to one of its processes: every count-th name in the directory, of which
/// the audio files are taken. Throws UsageError as make_plan does, and where there is nothing to do, which says what
/// was expected and what was found.
Plan make_training_plan(const std::string& directory, const std::string& preset, const TrainingStep& step,
                        const PlanOptions& options);

}  // namespace contentvec::cli
