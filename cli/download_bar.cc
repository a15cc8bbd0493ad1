#include "cli/download_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/console.h"
#include "cli/fail.h"
#include "cli/signals.h"

namespace contentvec::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kWorthShowing = 1'000'000;  // bytes

double megabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

std::string minutes(double seconds) {
  const auto whole = static_cast<int64_t>(std::min(seconds, 359999.0));
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

class DownloadBar {
 public:
  ~DownloadBar() { end_line(); }

  void show(const DownloadProgress& progress) {
    if (progress.total < kWorthShowing) return;
    if (progress.file != file_ || progress.waiting != waiting_) begin(progress);
    if (terminal_ && !progress.waiting) draw(progress);
  }

 private:
  void begin(const DownloadProgress& progress) {
    end_line();
    file_ = progress.file;
    waiting_ = progress.waiting;
    start_ = Clock::now();
    done_at_start_ = progress.done;
    if (waiting_) {
      note_line(fmt::format("contentvec: waiting for another process that downloads {} of {}", file_,
                            progress.repo));
    } else if (!terminal_) {
      note_line(fmt::format(
          "contentvec: downloading {} of {} ({:.0f} MB{})", file_, progress.repo, megabytes(progress.total),
          progress.done > 0 ? fmt::format(", {:.0f} MB are here", megabytes(progress.done)) : ""));
    }
  }

  void draw(const DownloadProgress& progress) {
    const auto now = Clock::now();
    const bool complete = progress.done >= progress.total;
    if (!complete && drawn_ && now - last_ < std::chrono::milliseconds(100)) return;
    if (complete && !drawn_) return;
    last_ = now;
    const double share = static_cast<double>(progress.done) / static_cast<double>(progress.total);
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = static_cast<double>(progress.done - done_at_start_) / std::max(seconds, 1e-3);
    constexpr int kWidth = 24;
    const auto filled = static_cast<size_t>(share * kWidth);
    const double left = rate > 0 ? static_cast<double>(progress.total - progress.done) / rate : 359999.0;
    fmt::print(stderr, "\r{} [{}{}] {:3.0f} %  {:.0f} of {:.0f} MB  {:.1f} MB/s  {} left\x1b[K", file_,
               std::string(filled, '#'), std::string(kWidth - filled, '.'), 100 * share,
               megabytes(progress.done), megabytes(progress.total), rate / 1e6, minutes(left));
    std::fflush(stderr);
    drawn_ = true;
    if (complete) end_line();
  }

  void end_line() {
    if (drawn_) note_line("");
    drawn_ = false;
  }

  const bool terminal_ = on_terminal() && verbosity() != Verbosity::kQuiet;
  std::string file_;
  bool waiting_ = false;
  bool drawn_ = false;  ///< the bar stands on the last line
  int64_t done_at_start_ = 0;
  Clock::time_point start_;
  Clock::time_point last_;
};

}  // namespace

HubOptions hub_options() {
  const auto bar = std::make_shared<DownloadBar>();
  return {.progress = [bar](const DownloadProgress& progress) {
    bar->show(progress);
    if (asked_to_stop())
      fail("stopped while {} of {} was downloaded; it goes on there next time", progress.file, progress.repo);
  }};
}

}  // namespace contentvec::cli
