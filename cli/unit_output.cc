#include "cli/unit_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "cli/picture.h"
#include "contentvec/unfinished_files.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

std::string start_of_line(const Job& job, const std::string& format) {
  return name_in_line(job) + separator_of(format);
}

template <typename Number>
std::string line_of(const Job& job, const std::string& format, const std::vector<Number>& numbers) {
  return fmt::format("{}{}\n", start_of_line(job, format), fmt::join(numbers, " "));
}

void write_text(const fs::path& path, const std::string& text) {
  write_whole_file(path, std::as_bytes(std::span(text)));
}

/// Every unit lasts one frame.
UnitRuns not_deduplicated(const std::vector<int32_t>& units) {
  return {units, std::vector<int64_t>(units.size(), 1)};
}

}  // namespace

// fairseq and textlesslib name a recording by its file, without the ending.
std::string name_in_line(const Job& job) {
  return job.name.empty() ? fs::path(job.input).stem().string() : job.name;
}

char separator_of(const std::string& format) {
  return format == "txt" ? '|' : '\t';
}

fs::path durations_beside(const fs::path& units) {
  return fs::path(units).replace_extension(".durations");
}

void write_lines(const UnitLines& lines, const fs::path& path, bool durations) {
  if (durations) write_text(durations_beside(path), lines.durations);
  write_text(path, lines.units);
}

void check_existing(const Job& job, const UnitOutputOptions& options) {
  for (const fs::path& output : job.outputs()) {
    check_begins(output, start_of_line(job, options.format));
    check_ends(output, "\n");
  }
}

UnitOutput::UnitOutput(const Job& job, int64_t frames, const UnitOutputOptions& options)
    : job_(job), options_(options), units_(static_cast<size_t>(frames)) {}

Outcome UnitOutput::write(int64_t first_frame, const std::vector<Features>& stages) {
  const Features& features = stages.front();
  const std::vector<int32_t> found = options_.units.assign(features.data);
  std::copy(found.begin(), found.end(), units_.begin() + static_cast<ptrdiff_t>(first_frame));
  if (first_frame + features.frames < static_cast<int64_t>(units_.size())) return {};
  const UnitRuns runs = options_.deduplicate ? deduplicate(units_) : not_deduplicated(units_);
  write_runs(runs);
  Outcome outcome;
  outcome.fields["frames"] = units_.size();
  outcome.fields["units"] = runs.units.size();
  outcome.text = fmt::format("{} units of {} frames", runs.units.size(), units_.size());
  return outcome;
}

void UnitOutput::write_runs(const UnitRuns& runs) const {
  UnitLines lines = {.units = line_of(job_, options_.format, runs.units)};
  if (options_.durations) lines.durations = line_of(job_, options_.format, runs.durations);
  if (!options_.joined) return write_lines(lines, job_.output, options_.durations);
  options_.joined->units += lines.units;
  options_.joined->durations += lines.durations;
}

}  // namespace contentvec::cli
