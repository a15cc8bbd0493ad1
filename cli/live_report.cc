#include "cli/live_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/console.h"
#include "contentvec/unfinished_files.h"

namespace contentvec::cli {
namespace {

double decibels(float level) {
  return std::max(20 * std::log10(static_cast<double>(level)), -99.0);
}

double latency_ms(const VoiceStream& stream) {
  return 1000.0 * static_cast<double>(stream.latency()) / stream.rate();
}

std::string settings_text(const StreamSettings& settings, bool has_index) {
  return fmt::format("{}key {:+g}{}{}", settings.bypass ? "bypass " : "", settings.key,
                     settings.formant == 0 ? "" : fmt::format(" formant {:+g}", settings.formant),
                     has_index ? fmt::format(" index {:.2f}", settings.index_rate) : "");
}

/// From when something is spoken to when it is heard.
double heard_after_ms(const VoiceStream& stream, const Sides& sides, double computing_ms) {
  return latency_ms(stream) + computing_ms + 1000 * (sides.input.latency + sides.output.latency);
}

nlohmann::ordered_json json_of(const VoiceStream& stream, const Sides& sides) {
  const StreamStats stats = stream.stats();
  return {{"rate", stream.rate()},
          {"block_ms", block_ms(stream)},
          {"latency_ms", latency_ms(stream)},
          {"heard_after_ms", heard_after_ms(stream, sides, stats.mean_ms)},
          {"blocks", stats.blocks},
          {"failed", stats.failed},
          {"underruns", stats.underruns},
          {"input_gaps", sides.input.program_gaps},
          {"output_gaps", sides.output.program_gaps},
          {"monitor_gaps", sides.monitor.program_gaps},
          {"input_device_gaps", sides.input.device_gaps},
          {"output_device_gaps", sides.output.device_gaps},
          {"skipped_blocks", sides.output.skipped},
          {"inserted_samples", sides.output.inserted},
          {"mean_ms", stats.mean_ms},
          {"p99_ms", stats.p99_ms},
          {"worst_ms", stats.worst_ms}};
}

void say_of_gaps(const Sides& sides) {
  if (sides.input.program_gaps + sides.output.program_gaps > 0)
    note_line(fmt::format(
        "contentvec: the input lost sound {} times, the output had none {} times: give a longer --block, "
        "or --quality fast",
        sides.input.program_gaps, sides.output.program_gaps));
  if (sides.output.skipped > 0)
    note_line(fmt::format("contentvec: {} blocks were skipped, since the output device had fallen behind",
                          sides.output.skipped));
  if (sides.input.device_gaps + sides.output.device_gaps > 0)
    note_line(fmt::format(
        "contentvec: the devices themselves lost sound {} times and had none {} times: other programs "
        "kept them from running",
        sides.input.device_gaps, sides.output.device_gaps));
}

}  // namespace

double block_ms(const VoiceStream& stream) {
  return 1000.0 * static_cast<double>(stream.block()) / stream.rate();
}

LiveDisplay::LiveDisplay(const VoiceStream& stream)
    : stream_(stream), is_shown_(on_terminal() && verbosity() != Verbosity::kQuiet) {}

LiveDisplay::~LiveDisplay() {
  if (is_shown_) show_line("");
}

void LiveDisplay::update(const Sides& sides, bool has_index) {
  if (!is_shown_) return;
  const StreamStats stats = stream_.stats();
  show_line(fmt::format("{:3.0f} > {:3.0f} dB {} {:.0f}/{:.0f} ms delay {:.0f} late {} gaps {} {}",
                        decibels(stats.input_level), decibels(stats.output_level),
                        stats.f0 > 0 ? fmt::format("{:4.0f} Hz", stats.f0) : "   - Hz", stats.last_ms,
                        block_ms(stream_), heard_after_ms(stream_, sides, stats.last_ms), stats.underruns,
                        sides.input.program_gaps + sides.output.program_gaps + sides.output.skipped +
                            sides.input.device_gaps + sides.output.device_gaps,
                        settings_text(stream_.settings(), has_index)));
}

void summarise(const VoiceStream& stream, const Sides& sides, const std::string& json_file) {
  const StreamStats stats = stream.stats();
  note_line(fmt::format(
      "contentvec: {} blocks of {:.0f} ms took {:.1f} ms each, 99 of 100 at most {:.1f} ({:.0f} %); {} took longer "
      "than they last; latency {:.0f} ms and computing",
      stats.blocks, block_ms(stream), stats.mean_ms, stats.p99_ms, 100 * stats.p99_ms / block_ms(stream),
      stats.underruns, latency_ms(stream)));
  say_of_gaps(sides);
  if (json_file.empty()) return;
  const std::string line = json_line(json_of(stream, sides)) + "\n";
  write_whole_file(json_file, std::as_bytes(std::span(line)));
}

}  // namespace contentvec::cli
