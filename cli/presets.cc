#include "cli/presets.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/folder.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

/// Everything in a directory, sorted by the bytes of the names, as Python sorts them.
std::vector<fs::directory_entry> sorted_entries(const fs::path& directory, const std::string& expected) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    entries.push_back(*at);
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

Chosen choose(const std::vector<fs::directory_entry>& entries) {
  Chosen chosen{std::vector<bool>(entries.size()), {}};
  std::set<std::string> stems;
  // The program's own come first: where a.wav is, nothing else becomes a.npy.
  for (const bool wav : {true, false}) {
    for (size_t i = 0; i < entries.size(); ++i) {
      const fs::path& path = entries[i].path();
      if (is_hidden(path) || (path.extension() == ".wav") != wav) continue;
      if (!is_audio(entries[i])) {
        chosen.left_out.add(entries[i]);
      } else if (!stems.insert(path.stem().string()).second) {
        chosen.left_out.add("names that another has", path.filename().string());
      } else {
        chosen.taken[i] = true;
      }
    }
  }
  return chosen;
}

}  // namespace

const std::map<std::string, TrainingPreset>& training_presets() {
  static const std::map<std::string, TrainingPreset> presets = {
      // train/dataset/extract_hubert_feature.py of RVC's WebUI
      {"rvc-v1", {"RVC", "1_16k_wavs", "3_feature256", "9", true, true}},
      {"rvc-v2", {"RVC", "1_16k_wavs", "3_feature768", "12", false, true}},
      // rvc/train/extract/extract.py of Applio: the embedder's last hidden state
      {"applio", {"Applio", "sliced_audios_16k", "extracted", "", false, false}}};
  return presets;
}

Plan make_training_plan(const std::string& directory, const std::string& name, const PlanOptions& options) {
  const TrainingPreset& preset = training_presets().at(name);
  const std::string expected = fmt::format(
      "--preset {} takes an experiment's directory (logs/NAME), which has {}, or a directory of 16 kHz WAV "
      "files",
      name, preset.wavs);
  const fs::path given = fs::absolute(directory).lexically_normal();
  const fs::path trimmed = given.has_filename() ? given : given.parent_path();
  const bool is_experiment = is_a_directory(trimmed / preset.wavs);
  const fs::path audio = is_experiment ? fs::path(directory) / preset.wavs : fs::path(directory);
  const fs::path experiment = !options.out.empty() ? fs::path(options.out)
                              : is_experiment      ? fs::path(directory)
                                                   : trimmed.parent_path();

  const std::vector<fs::directory_entry> entries = sorted_entries(audio, expected);
  const Chosen chosen = choose(entries);
  if (std::find(chosen.taken.begin(), chosen.taken.end(), true) == chosen.taken.end()) {
    const std::string better = better_directory(audio, preset.wavs);
    throw UsageError(fmt::format("\"{}\" has no audio files{}; {}{}", audio.string(),
                                 chosen.left_out.empty() ? "" : ", but " + chosen.left_out.text(), expected,
                                 better.empty() ? "" : fmt::format(": \"{}\"?", better)));
  }
  Plan plan;
  for (size_t i = options.shard.index; i < entries.size(); i += options.shard.count) {
    if (!chosen.taken[i]) continue;
    const fs::path& path = entries[i].path();
    plan.jobs.push_back({path.string(), experiment / preset.features / (path.stem().string() + ".npy"), {}});
  }
  if (!chosen.left_out.empty()) {
    plan.notes.push_back(fmt::format("{}: left out: {}", audio.string(), chosen.left_out.text()));
  }
  check_outputs(plan.jobs, options.keep);
  return plan;
}

}  // namespace contentvec::cli
