#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace contentvec::cli {

/// How far a run is.
struct Progress {
  size_t total = 0;          ///< inputs
  size_t reached = 0;        ///< done, skipped or failed
  size_t skipped = 0;        ///< of them, those that were there already
  double begun = 0;          ///< of the input that is being worked on, the part that is done, 0 to 1
  double audio_seconds = 0;  ///< extracted
  double seconds = 0;        ///< since the start
};

/// "118/120 files  0.52 h audio  31x real time  1:02 left": what is left takes what the inputs done took on
/// average, of which the part done of a long one counts as that.
std::string progress_text(const Progress& progress);

/// "1:02", "3:00:59"
std::string clock_text(double seconds);

/// "31x"; how many times faster than real time.
std::string speed_text(const Progress& progress);

/// A line on the terminal behind standard error that is written over and over; nothing where that is none.
class ProgressBar {
 public:
  ProgressBar();
  [[nodiscard]] bool shown() const { return on_terminal_; }
  /// Draws, unless it did a moment ago.
  void draw(const Progress& progress);
  /// Makes room for other lines.
  void clear();

 private:
  bool on_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace contentvec::cli
