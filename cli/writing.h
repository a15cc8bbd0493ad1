#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "cli/plan.h"
#include "cli/report.h"

namespace contentvec::cli {

/// Writes what an input became, or part of it, on the thread of writing, and drops what is unfinished before it
/// throws. Returns what there is to say once all of it is written.
using Write = std::function<Outcome()>;

/// What there is to tell of an input: that part of its output can be written, the last part saying so; or that
/// there will be none.
struct Part {
  const Job* job = nullptr;
  Write write = {};          ///< what the last one returns is reported
  size_t bytes = 0;          ///< of memory that `write` holds
  double audio_seconds = 0;  ///< of the whole recording
  double share = 1;          ///< of the recording that this part is
  double seconds = 0;        ///< of work on this part
  bool last = true;
  bool skipped = false;
  std::vector<std::string> warnings = {};  ///< about the audio; with the last part
  std::string problem = {};
};

/// Writes outputs on a thread of its own, in the order they come, and reports. Holds back whoever brings more
/// while much is waiting, so that memory is bounded.
class Writing {
 public:
  /// Nobody else may use `report` until finish() has returned.
  explicit Writing(Report& report);
  /// Drops what has not been written.
  ~Writing();
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

  /// The parts of an input come one after the other.
  void push(Part part);
  /// Returns when everything is written.
  void finish();

 private:
  void write_parts();
  void take(Part& part);
  void write(Part& part);

  Report& report_;
  double seconds_ = 0;   ///< of work on the input whose parts come
  bool failed_ = false;  ///< that input did, which is reported
  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<Part> parts_;
  size_t waiting_ = 0;    ///< bytes in parts_
  bool closed_ = false;   ///< no more parts will come
  bool dropped_ = false;  ///< those that are there are not wanted
  std::thread thread_;
};

}  // namespace contentvec::cli
