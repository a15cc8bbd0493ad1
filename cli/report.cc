#include "cli/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/console.h"

namespace contentvec::cli {

void Report::done(const Job& job, const Done& what) {
  ++reached_;
  if (json_) {
    nlohmann::ordered_json object = {{"path", job.input}, {"output", job.output.string()}};
    if (what.layers > 0) object["layers"] = what.layers;
    object["frames"] = what.frames;
    object["dim"] = what.dim;
    object["audio_seconds"] = what.audio_seconds;
    object["seconds"] = what.seconds;
    return print_json(object);
  }
  const std::string layers = what.layers > 0 ? fmt::format("{} layers x ", what.layers) : "";
  note_line(fmt::format("[{}/{}] {} -> {}  {}{} frames x {}  ({:.1f} s audio in {:.2f} s)", reached_, total_,
                        job.input, job.output.string(), layers, what.frames, what.dim, what.audio_seconds,
                        what.seconds));
}

void Report::failed(const Job& job, const std::string& why) {
  ++reached_;
  failures_.push_back(job.input);
  if (json_) print_json({{"path", job.input}, {"error", why}});
  note_line(fmt::format("contentvec: {}: {}", job.input, why));
}

int Report::finish() const {
  if (!failures_.empty() && total_ > 1) {
    note_line(fmt::format("contentvec: {} of {} failed:", failures_.size(), total_));
    for (const std::string& input : failures_) note_line("  " + input);
  }
  return failures_.empty() && !output_broken_ ? kDone : kFailed;
}

/// Nobody reading is no reason to leave the other inputs undone, but it is a failure.
void Report::print_json(const nlohmann::ordered_json& object) {
  if (output_broken_ || print_line(json_line(object))) return;
  output_broken_ = true;
  note_line("contentvec: cannot write to standard output; going on without it");
}

}  // namespace contentvec::cli
