#include "cli/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

#include "cli/command.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 11> kAudio = {".wav",  ".flac", ".ogg",  ".opus", ".mp3", ".aif",
                                                     ".aiff", ".w64",  ".rf64", ".au",   ".caf"};

std::optional<Format> format_of(const fs::path& path) {
  if (path.extension() == ".npy") return Format::kNpy;
  if (path.extension() == ".safetensors") return Format::kSafetensors;
  return std::nullopt;
}

bool is_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// A name that starts with a dot is no recording: macOS leaves "._speech.wav" beside "speech.wav".
bool looks_like_audio(const fs::directory_entry& entry) {
  std::string extension = entry.path().extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::error_code ignored;
  return entry.path().filename().string().front() != '.' && entry.is_regular_file(ignored) &&
         std::find(kAudio.begin(), kAudio.end(), extension) != kAudio.end();
}

std::vector<Job> jobs_of_directory(const std::string& directory) {
  std::vector<Job> jobs;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (looks_like_audio(*at)) jobs.push_back({at->path().string(), {}, {}});
  }
  if (error) return {{directory, {}, "cannot list this directory: " + error.message()}};
  if (jobs.empty()) {
    return {{directory, {}, fmt::format("no audio files in this directory ({})", fmt::join(kAudio, " "))}};
  }
  std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.input < b.input; });
  return jobs;
}

std::vector<Job> jobs_of(std::span<const std::string> inputs) {
  std::vector<Job> jobs;
  for (const std::string& input : inputs) {
    const std::vector<Job> found =
        is_directory(input) ? jobs_of_directory(input) : std::vector<Job>{{input, {}, {}}};
    jobs.insert(jobs.end(), found.begin(), found.end());
  }
  return jobs;
}

/// Whether `out` is one file to write rather than a folder to write into.
bool names_a_file(std::span<const std::string> inputs, const std::string& out) {
  if (out.empty() || out.back() == '/' || is_directory(out)) return false;
  const bool known = format_of(out).has_value();
  const bool several = inputs.size() > 1 || is_directory(inputs.front());
  if (several && (known || fs::exists(out))) {
    throw UsageError(
        fmt::format("--out \"{}\" is one file, but the inputs become one file each: give a directory", out));
  }
  if (!several && !known) {
    throw UsageError(
        fmt::format("--out \"{}\": end it in .npy or .safetensors for a file, in / for a directory", out));
  }
  return !several;
}

fs::path output_in(const fs::path& folder, const std::string& input, Format format) {
  const std::string stem = input == "-" ? "stdin" : fs::path(input).stem().string();
  return folder / (stem + (format == Format::kNpy ? ".npy" : ".safetensors"));
}

void refuse_collisions(const std::vector<Job>& jobs) {
  std::map<fs::path, std::string_view> writers;
  for (const Job& job : jobs) {
    if (!job.problem.empty()) continue;
    const auto [earlier, is_new] = writers.try_emplace(job.output, job.input);
    if (!is_new) {
      throw UsageError(fmt::format(
          "\"{}\" and \"{}\" would both be written to \"{}\": extract them into different directories",
          earlier->second, job.input, job.output.string()));
    }
  }
}

void refuse_overwriting(const std::vector<Job>& jobs, std::span<const std::string> keep) {
  std::set<fs::path> precious;
  std::error_code ignored;
  for (const std::string& file : keep) precious.insert(fs::weakly_canonical(file, ignored));
  for (const Job& job : jobs) precious.insert(fs::weakly_canonical(job.input, ignored));
  for (const Job& job : jobs) {
    if (job.problem.empty() && precious.contains(fs::weakly_canonical(job.output, ignored))) {
      throw UsageError(fmt::format(
          "the features of \"{}\" would overwrite \"{}\", which is to be read: choose another --out",
          job.input, job.output.string()));
    }
  }
}

}  // namespace

Plan make_plan(std::span<const std::string> inputs, const std::string& out, std::optional<Format> format,
               std::span<const std::string> keep) {
  Plan plan{jobs_of(inputs), out, format.value_or(Format::kNpy)};
  if (names_a_file(inputs, out)) {
    const Format named = *format_of(out);
    if (format.value_or(named) != named) {
      throw UsageError(
          fmt::format("--out \"{}\" and --format contradict each other: leave --format out", out));
    }
    plan = {std::move(plan.jobs), fs::path(out).parent_path(), named};
    plan.jobs.front().output = out;
  } else {
    for (Job& job : plan.jobs) {
      if (job.problem.empty()) job.output = output_in(plan.folder, job.input, plan.format);
    }
  }
  refuse_collisions(plan.jobs);
  refuse_overwriting(plan.jobs, keep);
  return plan;
}

}  // namespace contentvec::cli
