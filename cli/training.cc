#include "cli/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/folder.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

/// Everything in a directory that is the step's, sorted by the bytes of the names, as Python sorts them.
std::vector<fs::directory_entry> sorted_entries(const fs::path& directory, std::string_view passed_over,
                                                const std::string& expected) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (passed_over.empty() || name.find(passed_over) == std::string::npos) entries.push_back(*at);
  }
  if (error) {
    throw UsageError(fmt::format("cannot list the directory \"{}\": {}; {}", directory.string(),
                                 error.message(), expected));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.path().filename().native() < b.path().filename().native();
  });
  return entries;
}

bool is_audio(const fs::directory_entry& entry) {
  std::error_code ignored;
  return has_audio_name(entry.path()) && entry.is_regular_file(ignored);
}

/// A directory below `directory` that would have been one to give, or "".
std::string better_directory(const fs::path& directory, const char* wavs) {
  std::error_code error;
  std::vector<std::string> found;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (is_a_directory(at->path() / wavs)) found.push_back(at->path().string());
  }
  return found.empty() ? "" : *std::min_element(found.begin(), found.end());
}

/// The names that make up the plan, and those that do not.
struct Chosen {
  std::vector<bool> taken;  ///< for each entry
  LeftOut left_out;
};

std::string output_name(const fs::path& recording, const TrainingStep& step) {
  return (step.keeps_ending ? recording.filename() : recording.stem()).string() + ".npy";
}

Chosen choose(const std::vector<fs::directory_entry>& entries, const TrainingStep& step) {
  Chosen chosen{std::vector<bool>(entries.size()), {}};
  std::set<std::string> names;
  // The program's own come first: where a.wav is, nothing else becomes a.npy.
  for (const bool wav : {true, false}) {
    for (size_t i = 0; i < entries.size(); ++i) {
      const fs::path& path = entries[i].path();
      if (is_hidden(path) || (path.extension() == ".wav") != wav) continue;
      if (!is_audio(entries[i])) {
        chosen.left_out.add(entries[i]);
      } else if (!names.insert(output_name(path, step)).second) {
        chosen.left_out.add("names that another has", path.filename().string());
      } else {
        chosen.taken[i] = true;
      }
    }
  }
  return chosen;
}

}  // namespace

void check_training_options(const std::string& preset, const TrainingStep& step,
                            const RecordingArguments& recordings, std::vector<GivenOption> options) {
  options.insert(options.end(), {{"--format", !recordings.format.empty()},
                                 {"--recursive", recordings.recursive},
                                 {"--out -", recordings.out == "-"}});
  for (const auto& [option, is_given] : options) {
    if (is_given) {
      throw UsageError(
          fmt::format("{} cannot be combined with --preset {}, which writes exactly what {} does", option,
                      preset, step.program));
    }
  }
  if (recordings.inputs.size() != 1) {
    throw UsageError(
        fmt::format("--preset {} takes one input, an experiment's directory or one of WAV files", preset));
  }
}

Plan make_training_plan(const std::string& directory, const std::string& preset, const TrainingStep& step,
                        const PlanOptions& options) {
  const std::string expected = fmt::format(
      "--preset {} takes an experiment's directory (logs/NAME), which has {}, or a directory of 16 kHz WAV "
      "files",
      preset, step.wavs);
  const fs::path given = fs::absolute(directory).lexically_normal();
  const fs::path trimmed = given.has_filename() ? given : given.parent_path();
  const bool is_experiment = is_a_directory(trimmed / step.wavs);
  const fs::path audio = is_experiment ? fs::path(directory) / step.wavs : fs::path(directory);
  const fs::path experiment = !options.output.out.empty() ? fs::path(options.output.out)
                              : is_experiment             ? fs::path(directory)
                                                          : trimmed.parent_path();

  const std::vector<fs::directory_entry> entries = sorted_entries(audio, step.passed_over, expected);
  const Chosen chosen = choose(entries, step);
  if (std::find(chosen.taken.begin(), chosen.taken.end(), true) == chosen.taken.end()) {
    const std::string better = better_directory(audio, step.wavs);
    throw UsageError(fmt::format("\"{}\" has no audio files{}; {}{}", audio.string(),
                                 chosen.left_out.empty() ? "" : ", but " + chosen.left_out.text(), expected,
                                 better.empty() ? "" : fmt::format(": \"{}\"?", better)));
  }
  Plan plan{{}, "npy"};
  for (size_t i = options.shard.index; i < entries.size(); i += options.shard.count) {
    if (!chosen.taken[i]) continue;
    const fs::path& path = entries[i].path();
    Job& job = plan.jobs.emplace_back(Job{path.string(), {}});
    for (const char* folder : step.outputs)
      job.beside.push_back(experiment / folder / output_name(path, step));
    job.output = job.beside.front();
    job.beside.erase(job.beside.begin());
  }
  if (!chosen.left_out.empty()) {
    plan.notes.push_back(fmt::format("{}: left out: {}", audio.string(), chosen.left_out.text()));
  }
  check_outputs(plan.jobs, options);
  return plan;
}

}  // namespace contentvec::cli
