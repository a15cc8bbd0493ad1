#include "cli/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "cli/command.h"
#include "cli/inputs.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

std::optional<Format> format_of(const fs::path& path) {
  if (path.extension() == ".npy") return Format::kNpy;
  if (path.extension() == ".safetensors") return Format::kSafetensors;
  return std::nullopt;
}

/// Whether `out` is one file to write rather than a folder to write into.
bool names_a_file(std::span<const std::string> inputs, const std::string& out) {
  if (out.empty() || out.back() == '/' || is_a_directory(out)) return false;
  const bool known = format_of(out).has_value();
  const bool several = inputs.size() > 1 || is_a_directory(inputs.front()) || is_list(inputs.front());
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
          "\"{}\" and \"{}\" would both be written to \"{}\": extract them into different directories "
          "(--recursive keeps those below an input)",
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

std::vector<Job> shard_of(std::vector<Job> jobs, const Shard& shard) {
  std::vector<Job> mine;
  for (size_t i = shard.index; i < jobs.size(); i += shard.count) mine.push_back(std::move(jobs[i]));
  return mine;
}

void check(const std::vector<Job>& jobs, std::span<const std::string> keep) {
  refuse_collisions(jobs);
  refuse_overwriting(jobs, keep);
}

/// All names in a directory, sorted by their bytes, as Python sorts them.
std::vector<std::string> sorted_names(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error) {
    throw UsageError(
        fmt::format("cannot list the directory \"{}\": {}; an RVC preset takes an experiment's "
                    "directory, which has 1_16k_wavs, or a directory of 16 kHz WAV files",
                    directory.string(), error.message()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Plan make_plan(std::span<const std::string> inputs, const PlanOptions& options) {
  Plan plan{{}, options.format.value_or(Format::kNpy)};
  const bool one_file = names_a_file(inputs, options.out);
  if (one_file) {
    plan.format = *format_of(options.out);
    if (options.format.value_or(plan.format) != plan.format) {
      throw UsageError(
          fmt::format("--out \"{}\" and --format contradict each other: leave --format out", options.out));
    }
  }
  for (Found& found : find_inputs(inputs, options.recursive)) {
    fs::path output;
    if (found.problem.empty()) {
      output =
          one_file ? fs::path(options.out) : output_in(options.out / found.folder, found.path, plan.format);
    }
    plan.jobs.push_back({std::move(found.path), std::move(output), std::move(found.problem)});
  }
  check(plan.jobs, options.keep);
  plan.jobs = shard_of(std::move(plan.jobs), options.shard);
  return plan;
}

Plan make_rvc_plan(const std::string& directory, const std::string& features, const PlanOptions& options) {
  const fs::path given = fs::absolute(directory).lexically_normal();
  const fs::path trimmed = given.has_filename() ? given : given.parent_path();
  const bool is_experiment = is_a_directory(trimmed / "1_16k_wavs");
  const fs::path wavs = is_experiment ? fs::path(directory) / "1_16k_wavs" : fs::path(directory);
  const fs::path experiment = !options.out.empty() ? fs::path(options.out)
                              : is_experiment      ? fs::path(directory)
                                                   : trimmed.parent_path();
  Plan plan;
  const std::vector<std::string> names = sorted_names(wavs);
  for (size_t i = options.shard.index; i < names.size(); i += options.shard.count) {
    const fs::path name = names[i];
    if (!names[i].ends_with(".wav") || names[i].front() == '.') continue;
    plan.jobs.push_back(
        {(wavs / name).string(), experiment / features / (name.stem().string() + ".npy"), {}});
  }
  check(plan.jobs, options.keep);
  return plan;
}

}  // namespace contentvec::cli
