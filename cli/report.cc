#include "cli/report.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/command.h"
#include "cli/console.h"

namespace contentvec::cli {

namespace {

/// The input and the output of a line of the manifest.
nlohmann::ordered_json paths_of(const Job& job) {
  nlohmann::ordered_json object;
  set_path(object, "path", job.input);
  set_path(object, "output", job.output.string());
  return object;
}

/// To a tenth of a millisecond, which is more than a clock of a busy machine is good for.
double rounded(double seconds) {
  return std::round(seconds * 1e4) / 1e4;
}

/// What went wrong, without the name of the input, which stands before it.
std::string without_path(std::string text, const std::string& input) {
  for (const std::string& name :
       {fmt::format(" from '{}'", input), fmt::format(" '{}'", input), std::string(" from standard input")}) {
    if (const size_t at = text.find(name + ":"); at != std::string::npos) {
      text.erase(at, name.size());
      break;
    }
  }
  return text;
}

}  // namespace

Report::Report(size_t total, bool json)
    : json_(json), start_(std::chrono::steady_clock::now()), progress_{.total = total} {
  bar_.draw(progress());  // it may be a while until the first batch is through
}

void Report::advanced(double audio_seconds, double share) {
  progress_.audio_seconds += audio_seconds * share;
  progress_.begun += share;
  bar_.draw(progress());
}

void Report::reached() {
  ++progress_.reached;
  progress_.begun = 0;
}

void Report::done(const Job& job, const Done& what) {
  reached();
  for (const std::string& warning : what.warnings) {
    bar_.clear();
    warning_line(fmt::format("{}: {}", name_of(job.input), warning));
  }
  if (!what.outcome.nothing_written.empty()) return nothing_written(job, what.outcome.nothing_written);
  if (json_) {
    nlohmann::ordered_json object = paths_of(job);
    object.update(what.outcome.fields);
    object["audio_seconds"] = what.audio_seconds;
    object["seconds"] = rounded(what.seconds);
    if (!what.warnings.empty()) object["warnings"] = what.warnings;
    print_json(object);
  }
  if (verbosity() == Verbosity::kVerbose || (!json_ && (!bar_.shown() || progress_.total == 1))) {
    print_note(fmt::format("[{}/{}] {} -> {}  {}  ({:.1f} s audio in {:.2f} s)", progress_.reached,
                           progress_.total, name_of(job.input),
                           job.output == kStandardOutput ? "standard output" : shown(job.output.string()),
                           what.outcome.text, what.audio_seconds, what.seconds));
  }
  bar_.draw(progress());
}

void Report::nothing_written(const Job& job, const std::string& why) {
  ++nothing_written_;
  if (json_) {
    nlohmann::ordered_json object;
    set_path(object, "path", job.input);
    object["nothing_written"] = why;
    print_json(object);
  }
  bar_.clear();
  warning_line(fmt::format("{}: {}", name_of(job.input), why));
}

void Report::skipped(const Job& job) {
  reached();
  ++progress_.skipped;
  if (json_) {
    nlohmann::ordered_json object = paths_of(job);
    object["skipped"] = true;
    print_json(object);
  }
  if (verbosity() == Verbosity::kVerbose) {
    print_note(fmt::format("[{}/{}] {} -> {}  is there already", progress_.reached, progress_.total,
                           name_of(job.input), shown(job.output.string())));
  }
  bar_.draw(progress());
}

void Report::failed(const Job& job, const std::string& what) {
  const std::string why = without_path(what, job.input);
  reached();
  failures_.push_back(job.input);
  if (json_) {
    nlohmann::ordered_json object;
    set_path(object, "path", job.input);
    object["error"] = why;
    print_json(object);
  }
  bar_.clear();
  error_line(fmt::format("{}: {}", name_of(job.input), why));
}

int Report::finish() {
  bar_.clear();
  const Progress now = progress();
  if (now.total > 1) {
    std::string line = fmt::format("{} of {} done: {:.2f} h of audio in {} ({} real time)",
                                   now.reached - now.skipped - failures_.size(), now.total,
                                   now.audio_seconds / 3600, clock_text(now.seconds), speed_text(now));
    if (now.skipped > 0) line += fmt::format(", {} were there already", now.skipped);
    if (nothing_written_ > 0) line += fmt::format(", {} of them with nothing to write", nothing_written_);
    if (!failures_.empty()) line += fmt::format(", {} failed", failures_.size());
    note_line(line);
    if (!failures_.empty()) {
      std::string list = fmt::format("{} of {} failed:", failures_.size(), now.total);
      for (const std::string& input : failures_) list += fmt::format("\n  {}", name_of(input));
      error_line(list);
    }
  }
  return failures_.empty() && !output_broken_ ? kDone : kFailed;
}

Progress Report::progress() const {
  Progress now = progress_;
  now.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return now;
}

void Report::print_note(const std::string& line) {
  bar_.clear();
  note_line(line);
}

/// Nobody reading is no reason to leave the other inputs undone, but it is a failure.
void Report::print_json(const nlohmann::ordered_json& object) {
  bar_.clear();
  if (output_broken_ || print_line(json_line(object))) return;
  output_broken_ = true;
  error_line("cannot write to standard output; going on without it");
}

}  // namespace contentvec::cli
