#include "cli/recordings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <filesystem>
#include <new>
#include <set>
#include <utility>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/folder.h"
#include "contentvec/audio.h"
#include "contentvec/threads.h"
#include "contentvec/unfinished_files.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

/// --shard I/N, I from 1.
Shard parse_shard(const std::string& text) {
  if (text.empty()) return {};
  size_t number = 0;
  size_t count = 0;
  const char* end = text.data() + text.size();
  const auto slash = std::from_chars(text.data(), end, number);
  if (slash.ec == std::errc() && slash.ptr != end && *slash.ptr == '/') {
    const auto rest = std::from_chars(slash.ptr + 1, end, count);
    if (rest.ec == std::errc() && rest.ptr == end && number >= 1 && number <= count)
      return {number - 1, count};
  }
  throw UsageError(fmt::format("--shard \"{}\": give which part of how many, 1/4 to 4/4 for four", text));
}

/// Hands `writing` what there is to write of a recording, its problem where there is nothing, and before that how far
/// the work is.
void carry_out(Recording& recording, const Work& work, Writing& writing) {
  constexpr double kStep = 0.002;
  const double audio_seconds = recording.audio_seconds;
  double told = 0;
  const auto tell = [&writing, &told, job = recording.job, audio_seconds](double done) {
    done = std::min(done, 1.0);
    if (done - told < kStep) return;
    writing.push({.job = job,
                  .write = [] { return Outcome{}; },
                  .audio_seconds = audio_seconds,
                  .share = done - told,
                  .last = false});
    told = done;
  };
  Part part = {.job = recording.job, .skipped = recording.skipped, .problem = recording.problem};
  if (recording.waveform.empty()) return writing.push(std::move(part));
  part.bytes = recording.waveform.size() * sizeof(float);
  const auto start = std::chrono::steady_clock::now();
  try {
    part.write = work(recording, tell);
  } catch (const std::bad_alloc&) {
    part.problem = "out of memory; cut the recording into shorter ones";
  } catch (const std::exception& error) {
    part.problem = error.what();
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  part.audio_seconds = audio_seconds;
  part.share = 1 - told;
  part.seconds = recording.seconds + taken.count();
  part.warnings = recording.warnings;
  writing.push(std::move(part));
}

}  // namespace

void add_recordings(CLI::App& parser, RecordingArguments& arguments, const Output& output) {
  Options options(parser);
  options
      .add("INPUT", arguments.inputs,
           "Audio files, directories of them, lists of either (.txt or .list, one path per line), or - for "
           "standard input",
           "...")
      ->required();
  options.add(
      "-o,--out,--output", arguments.out,
      fmt::format(
          "The file to write (.{}) for one input, or - for standard output; else the directory (default: the "
          "current one{})",
          fmt::join(output.formats, " or ."),
          *output.mark == '\0' ? "" : fmt::format(", as NAME{}.{}", output.mark, output.formats.front())),
      "PATH");
  options
      .add("--format", arguments.format,
           fmt::format("{} (default) or {}", output.formats.front(),
                       fmt::join(std::span(output.formats).subspan(1), " or ")),
           "FORMAT")
      ->check(one_of(output.formats));
  parser.add_flag("--recursive", arguments.recursive,
                  "Search the directories below an input, too; --out gets the same structure");
  parser.add_flag(
      "--skip-existing", arguments.skip_existing,
      "Leave out inputs whose output is there and whole: an interrupted run goes on where it was");
  options.add("--shard", arguments.shard, "Do part I of N only, for several machines: 1/4 to 4/4", "I/N");
  parser.add_flag("--json", arguments.json, "Print one line of JSON per input to standard output");
}

PlanOptions plan_options(const RecordingArguments& arguments, const Output& output) {
  PlanOptions options = {
      .output = output, .recursive = arguments.recursive, .shard = parse_shard(arguments.shard)};
  options.output.out = arguments.out;
  options.output.format = arguments.format;
  return options;
}

void check_standard_output(const RecordingArguments& arguments, const Output& output, bool binary) {
  if (arguments.out != "-") return;
  if (arguments.json) {
    throw UsageError(fmt::format("--json prints to standard output, where --out - writes {}", output.what));
  }
  if (binary && isatty(STDOUT_FILENO) == 1) {
    throw UsageError("--out - writes binary data, and standard output is a terminal: redirect it");
  }
}

void announce(const Plan& plan, const RecordingArguments& arguments) {
  for (const std::string& note : plan.notes) note_line("contentvec: note: " + note);
  if (plan.jobs.empty())
    note_line("contentvec: note: nothing to do: no input falls to --shard " + arguments.shard);
}

void prepare_folders(std::span<const Job> jobs) {
  std::set<fs::path> folders;
  for (const Job& job : jobs) {
    for (const fs::path& output : job.outputs()) folders.insert(output.parent_path());
  }
  for (const fs::path& folder : folders) {
    if (!folder.empty()) make_folder(folder);
    remove_abandoned_files(folder.empty() ? "." : folder);
  }
}

int decoding_threads() {
  return std::clamp(usable_cpus() / 4, 1, 8);
}

void each_recording(std::span<const Job> jobs, Decoding::Options decoding, const Work& work, Report& report) {
  constexpr int64_t kMostWaitingSeconds = 60;
  decoding.most_samples = kMostWaitingSeconds * kSampleRate;
  Writing writing(report);
  Decoding ahead(jobs, decoding);
  while (std::optional<Recording> recording = ahead.next()) carry_out(*recording, work, writing);
  writing.finish();
}

}  // namespace contentvec::cli
