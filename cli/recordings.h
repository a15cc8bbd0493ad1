#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/decoding.h"
#include "cli/plan.h"
#include "cli/report.h"
#include "cli/writing.h"

namespace contentvec::cli {

/// What every command takes that makes files of recordings.
struct RecordingArguments {
  std::vector<std::string> inputs;
  std::string out;
  std::string format;
  std::string shard;
  bool recursive = false;
  bool skip_existing = false;
  bool json = false;
};

/// Declares them. `output`: what the command writes, and its formats.
void add_recordings(CLI::App& parser, RecordingArguments& arguments, const Output& output);

/// What make_plan is to know; without `beside` and `keep`, which are the command's. Throws UsageError.
PlanOptions plan_options(const RecordingArguments& arguments, const Output& output);

/// Throws UsageError where --out - cannot be: beside --json, and on a terminal if it is `binary`.
void check_standard_output(const RecordingArguments& arguments, const Output& output, bool binary);

/// Says what there is to say of a plan before its work begins.
void announce(const Plan& plan, const RecordingArguments& arguments);

/// Makes the folders of the outputs, and tidies up behind runs that were killed.
void prepare_folders(std::span<const Job> jobs);

/// Threads to decode with: decoding takes a small part of the time that the work takes.
int decoding_threads();

/// Makes of a recording what it becomes, on the thread that called each_recording, and returns what writes that. It
/// may take the waveform, and tells `done` how far it is, 0 to 1. Throws Error.
using Work = std::function<Write(Recording&, const std::function<void(double)>& done)>;

/// Carries out the jobs in their order, one recording at a time: decoding runs ahead and writing behind. Memory is
/// bounded by some waveforms. (`extract` has extract_all instead, which batches pieces.)
void each_recording(std::span<const Job> jobs, Decoding::Options decoding, const Work& work, Report& report);

}  // namespace contentvec::cli
