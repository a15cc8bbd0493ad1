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
  return 20 * std::log10(std::max(static_cast<double>(level), 1e-5));
}

double latency_ms(const VoiceStream& stream) {
  return 1000.0 * static_cast<double>(stream.latency()) / stream.rate();
}

std::string settings_text(const StreamSettings& settings) {
  return fmt::format("key {:+g} formant {:+g} index {:.2f}{}", settings.key, settings.formant,
                     settings.index_rate, settings.bypass ? " bypass" : "");
}

nlohmann::ordered_json json_of(const VoiceStream& stream, const Gaps& gaps) {
  const StreamStats stats = stream.stats();
  return {{"rate", stream.rate()},    {"block_ms", block_ms(stream)}, {"latency_ms", latency_ms(stream)},
          {"blocks", stats.blocks},   {"failed", stats.failed},       {"underruns", stats.underruns},
          {"input_gaps", gaps.input}, {"output_gaps", gaps.output},   {"mean_ms", stats.mean_ms},
          {"p99_ms", stats.p99_ms},   {"worst_ms", stats.worst_ms}};
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

void LiveDisplay::update() {
  if (!is_shown_) return;
  const StreamStats stats = stream_.stats();
  show_line(fmt::format("{:3.0f} > {:3.0f} dB {} {:.0f}/{:.0f} ms late {} {}", decibels(stats.input_level),
                        decibels(stats.output_level),
                        stats.f0 > 0 ? fmt::format("{:4.0f} Hz", stats.f0) : "   - Hz", stats.last_ms,
                        block_ms(stream_), stats.underruns, settings_text(stream_.settings())));
}

void summarise(const VoiceStream& stream, const Gaps& gaps, const std::string& json_file) {
  const StreamStats stats = stream.stats();
  note_line(fmt::format(
      "contentvec: {} blocks of {:.0f} ms took {:.1f} ms each, 99 of 100 at most {:.1f} ({:.0f} %); {} took longer "
      "than they last; latency {:.0f} ms and computing",
      stats.blocks, block_ms(stream), stats.mean_ms, stats.p99_ms, 100 * stats.p99_ms / block_ms(stream),
      stats.underruns, latency_ms(stream)));
  if (gaps.input > 0 || gaps.output > 0)
    note_line(fmt::format(
        "contentvec: the input lost sound {} times, the output had none {} times: give a longer --block, "
        "or --quality fast",
        gaps.input, gaps.output));
  if (json_file.empty()) return;
  const std::string line = json_line(json_of(stream, gaps)) + "\n";
  write_whole_file(json_file, std::as_bytes(std::span(line)));
}

}  // namespace contentvec::cli
