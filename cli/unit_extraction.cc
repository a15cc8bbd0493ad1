#include "cli/unit_extraction.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "cli/command.h"
#include "cli/fail.h"
#include "cli/folder.h"
#include "cli/inputs.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

/// Whether all inputs become lines of one file.
bool is_joined(const RecordingArguments& recordings) {
  const std::string ending = fs::path(recordings.out).extension().string();
  const bool names_lines = ending == ".units" || ending == ".txt";
  return names_lines && !is_one_file(recordings.inputs) && !is_a_directory(recordings.out);
}

/// The plan of a file for each, whose names become those of the lines.
Plan joined_plan(const RecordingArguments& recordings, PlanOptions options) {
  const std::string ending = fs::path(recordings.out).extension().string().substr(1);
  if (!recordings.format.empty() && recordings.format != ending)
    throw UsageError(
        fmt::format("--out \"{}\" and --format contradict each other: leave --format out", recordings.out));
  options.output.format = ending;
  options.output.out.clear();
  Plan plan = make_plan(recordings.inputs, options);
  for (Job& job : plan.jobs) {
    if (!job.problem.empty()) continue;
    job.name = std::exchange(job.output, recordings.out).replace_extension().string();
    check_outputs({{job.input, recordings.out}}, options);
  }
  return plan;
}

/// A name would end its line, or seem to end before it does.
void refuse_names(Plan& plan) {
  const std::string breaking = std::string("\n\r") + separator_of(plan.format);
  for (Job& job : plan.jobs) {
    if (!job.problem.empty() || name_in_line(job).find_first_of(breaking) == std::string::npos) continue;
    job.problem =
        fmt::format("its name has a line break or a {}, which lines of --format {} cannot hold: rename it",
                    plan.format == "txt" ? "|" : "tab", plan.format);
    job.output.clear();
  }
}

}  // namespace

void add_units_of_extract(CLI::App& parser, UnitArguments& arguments) {
  Options options(parser);
  options.add(
      "--units", arguments.units,
      "Write units in place of features: of each frame the nearest of these centres, which `contentvec units` or "
      "scikit-learn made (.npz, .npy, fairseq's .km)",
      "FILE");
  parser.add_flag("--deduplicate", arguments.deduplicate, "Leave out units that repeat the one before")
      ->needs("--units");
  parser
      .add_flag("--durations", arguments.durations,
                "Also write how many frames each unit lasts, in a file NAME.durations")
      ->needs("--units");
}

void check_unit_arguments(const UnitArguments& arguments, const RecordingArguments& recordings,
                          const std::vector<std::pair<const char*, bool>>& more) {
  const std::vector<std::string>& formats = kUnitLines.formats;
  const bool is_lines = std::find(formats.begin(), formats.end(), recordings.format) != formats.end();
  if (arguments.units.empty()) {
    if (is_lines)
      throw UsageError(fmt::format("--format {} is of units: give --units, too", recordings.format));
    return;
  }
  if (!recordings.format.empty() && !is_lines)
    throw UsageError(
        fmt::format("--units are written as lines: --format units or txt, not {}", recordings.format));
  for (const auto& [option, given] : more) {
    if (given)
      throw UsageError(fmt::format("{} does not go with --units, which has one unit for each frame", option));
  }
  if (arguments.durations && recordings.out == "-")
    throw UsageError("--durations go into a file beside that of the units: give --out a name");
  if (!is_joined(recordings)) return;
  if (recordings.skip_existing)
    throw UsageError(
        fmt::format("--out \"{}\" is one file of all inputs, which is written whole: give a directory, where "
                    "--skip-existing finds what is there",
                    recordings.out));
  if (!recordings.shard.empty())
    throw UsageError(fmt::format(
        "--out \"{}\" is one file of all inputs, which each --shard would write for itself: give a "
        "directory, whose files `cat` joins",
        recordings.out));
}

Plan make_unit_plan(const UnitArguments& arguments, const RecordingArguments& recordings,
                    PlanOptions options) {
  options.keep.push_back(arguments.units);
  const bool joined = is_joined(recordings);
  Plan plan = joined ? joined_plan(recordings, options) : make_plan(recordings.inputs, options);
  refuse_names(plan);
  if (!arguments.durations || joined) return plan;
  for (Job& job : plan.jobs)
    if (job.problem.empty()) job.beside.push_back(durations_beside(job.output));
  check_outputs(plan.jobs, options);
  return plan;
}

UnitOutputOptions open_units(const UnitArguments& arguments, const RecordingArguments& recordings,
                             const Plan& plan, int64_t dim) {
  Units units = Units::open(arguments.units);
  if (units.dim() != dim) {
    fail(
        "--units {}: its centres have {} dimensions, the features to extract {}: give those made of the same model, "
        "layer and projection",
        arguments.units, units.dim(), dim);
  }
  return {.units = std::move(units),
          .format = plan.format,
          .deduplicate = arguments.deduplicate,
          .durations = arguments.durations,
          .joined = is_joined(recordings) ? std::make_shared<UnitLines>() : nullptr};
}

void finish_units(const UnitOutputOptions& options, const RecordingArguments& recordings) {
  if (options.joined && !options.joined->units.empty())
    write_lines(*options.joined, recordings.out, options.durations);
}

}  // namespace contentvec::cli
