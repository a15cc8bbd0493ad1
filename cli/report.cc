#include "cli/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/console.h"

namespace contentvec::cli {

Report::Report(size_t total, bool json)
    : json_(json), start_(std::chrono::steady_clock::now()), progress_{.total = total} {
  bar_.draw(progress());  // it may be a while until the first batch is through
}

void Report::advanced(double audio_seconds) {
  progress_.audio_seconds += audio_seconds;
  bar_.draw(progress());
}

void Report::done(const Job& job, const Done& what) {
  ++progress_.reached;
  for (const std::string& warning : what.warnings) {
    print_note(fmt::format("contentvec: warning: {}: {}", job.input, warning));
  }
  if (json_) {
    nlohmann::ordered_json object = {{"path", job.input}, {"output", job.output.string()}};
    if (what.layers > 0) object["layers"] = what.layers;
    object["frames"] = what.frames;
    object["dim"] = what.dim;
    object["audio_seconds"] = what.audio_seconds;
    object["seconds"] = what.seconds;
    if (!what.warnings.empty()) object["warnings"] = what.warnings;
    print_json(object);
  } else if (!bar_.shown() || progress_.total == 1) {
    const std::string layers = what.layers > 0 ? fmt::format("{} layers x ", what.layers) : "";
    print_note(fmt::format("[{}/{}] {} -> {}  {}{} frames x {}  ({:.1f} s audio in {:.2f} s)",
                           progress_.reached, progress_.total, job.input, job.output.string(), layers,
                           what.frames, what.dim, what.audio_seconds, what.seconds));
  }
  bar_.draw(progress());
}

void Report::skipped(const Job& job) {
  ++progress_.reached;
  ++progress_.skipped;
  if (json_) print_json({{"path", job.input}, {"output", job.output.string()}, {"skipped", true}});
  bar_.draw(progress());
}

void Report::failed(const Job& job, const std::string& why) {
  ++progress_.reached;
  failures_.push_back(job.input);
  if (json_) print_json({{"path", job.input}, {"error", why}});
  print_note(fmt::format("contentvec: {}: {}", job.input, why));
}

int Report::finish() {
  bar_.clear();
  const Progress now = progress();
  if (now.total > 1) {
    std::string line = fmt::format("{} of {} done: {:.2f} h of audio in {} ({} real time)",
                                   now.reached - now.skipped - failures_.size(), now.total,
                                   now.audio_seconds / 3600, clock_text(now.seconds), speed_text(now));
    if (now.skipped > 0) line += fmt::format(", {} were there already", now.skipped);
    if (!failures_.empty()) line += fmt::format(", {} failed", failures_.size());
    note_line(line);
    if (!failures_.empty())
      note_line(fmt::format("contentvec: {} of {} failed:", failures_.size(), now.total));
    for (const std::string& input : failures_) note_line("  " + input);
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
  note_line("contentvec: cannot write to standard output; going on without it");
}

}  // namespace contentvec::cli
