#include "cli/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/inputs.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

std::optional<FeatureFormat> format_of(const fs::path& path) {
  if (path.extension() == ".npy") return FeatureFormat::kNpy;
  if (path.extension() == ".safetensors") return FeatureFormat::kSafetensors;
  return std::nullopt;
}

/// Whether `out` is one file to write rather than a folder to write into.
bool names_a_file(std::span<const std::string> inputs, const std::string& out) {
  const bool several = inputs.size() > 1 || is_a_directory(inputs.front()) || is_list(inputs.front());
  if (out == "-") {
    if (several)
      throw UsageError("--out - takes the features of one input to standard output: name one file");
    return true;
  }
  if (out.empty() || out.back() == '/' || is_a_directory(out)) return false;
  const bool known = format_of(out).has_value();
  std::error_code ignored;
  if (several && (known || fs::exists(out, ignored))) {
    throw UsageError(
        fmt::format("--out \"{}\" is one file, but the inputs become one file each: give a directory", out));
  }
  if (!several && !known) {
    throw UsageError(
        fmt::format("--out \"{}\": end it in .npy or .safetensors for a file, in / for a directory", out));
  }
  return !several;
}

/// The file of --out FILE.
fs::path named_output(const std::string& out) {
  return out == "-" ? kStandardOutput : out;
}

fs::path output_in(const fs::path& folder, const std::string& input, FeatureFormat format) {
  const std::string stem = input == "-" ? "stdin" : fs::path(input).stem().string();
  return folder / (stem + (format == FeatureFormat::kNpy ? ".npy" : ".safetensors"));
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
  for (const std::string& file : keep) {
    if (!file.empty()) precious.insert(fs::weakly_canonical(file, ignored));
  }
  for (const Job& job : jobs) precious.insert(fs::weakly_canonical(job.input, ignored));
  precious.erase(fs::path());  // what cannot be followed, such as a pipe behind /dev/stdout
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

}  // namespace

void check_outputs(const std::vector<Job>& jobs, std::span<const std::string> keep) {
  refuse_collisions(jobs);
  refuse_overwriting(jobs, keep);
}

Plan make_plan(std::span<const std::string> inputs, const PlanOptions& options) {
  Plan plan{{}, options.format.value_or(FeatureFormat::kNpy), {}};
  const bool one_file = names_a_file(inputs, options.out);
  if (one_file) {
    plan.format = format_of(options.out).value_or(plan.format);
    if (options.format.value_or(plan.format) != plan.format) {
      throw UsageError(
          fmt::format("--out \"{}\" and --format contradict each other: leave --format out", options.out));
    }
  }
  Inputs all = find_inputs(inputs, options.recursive);
  plan.notes = std::move(all.notes);
  for (Found& found : all.found) {
    fs::path output;
    if (found.problem.empty()) {
      output = one_file ? named_output(options.out)
                        : output_in(options.out / found.folder, found.path, plan.format);
    }
    plan.jobs.push_back({std::move(found.path), std::move(output), std::move(found.problem)});
  }
  check_outputs(plan.jobs, options.keep);
  plan.jobs = shard_of(std::move(plan.jobs), options.shard);
  return plan;
}

}  // namespace contentvec::cli
