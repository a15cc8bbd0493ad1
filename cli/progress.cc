#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/console.h"

namespace contentvec::cli {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr size_t kBarWidth = 20;

}  // namespace

std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  const int64_t hours = whole / 3600;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, whole / 60 % 60, whole % 60)
                   : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string speed_text(const Progress& progress) {
  const double speed = progress.seconds > 0 ? progress.audio_seconds / progress.seconds : 0;
  return speed < 10 ? fmt::format("{:.1f}x", speed) : fmt::format("{:.0f}x", speed);
}

std::string progress_text(const Progress& progress) {
  const double worked_on = static_cast<double>(progress.reached - progress.skipped) + progress.begun;
  const double left = static_cast<double>(progress.total - progress.reached) - progress.begun;
  const std::string time = worked_on > 0 ? clock_text(progress.seconds * left / worked_on) : "?";
  return fmt::format("{}/{} files  {:.2f} h audio  {} real time  {} left", progress.reached, progress.total,
                     progress.audio_seconds / 3600, speed_text(progress), time);
}

ProgressBar::ProgressBar() : on_terminal_(on_terminal() && verbosity() != Verbosity::kQuiet) {}

void ProgressBar::draw(const Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (!on_terminal_ || (drawn_ && now - last_ < kRedraw)) return;
  const double done = static_cast<double>(progress.reached) + progress.begun;
  const double share = progress.total > 0 ? done / static_cast<double>(progress.total) : 0;
  const auto full = static_cast<size_t>(kBarWidth * std::min(share, 1.0));
  const std::string line =
      fmt::format("[{:#<{}}{:-<{}}] {}", "", full, "", kBarWidth - full, progress_text(progress));
  show_line(line);
  drawn_ = true;
  last_ = now;
}

void ProgressBar::clear() {
  if (drawn_) show_line("");
  drawn_ = false;
}

}  // namespace contentvec::cli
