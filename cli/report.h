#pragma once

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "cli/progress.h"

namespace contentvec::cli {

/// What was written of an input, in the command's own words.
struct Outcome {
  /// For the manifest: {"frames": 99, "dim": 768}.
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();
  std::string text = {};             ///< the same for people: "99 frames x 768"
  std::string nothing_written = {};  ///< why nothing was, where that is no failure
};

/// What became of one input.
struct Done {
  Outcome outcome;
  double audio_seconds = 0;
  double seconds = 0;                      ///< of work on it: decoding, computing, writing
  std::vector<std::string> warnings = {};  ///< about its audio
};

/// Tells the user how the inputs go, as soon as it is known. For people, on standard error: a progress bar
/// where that is a terminal, else one line each. Where `json`: one JSON object each on standard output, the
/// manifest. Failures are on standard error either way. Not thread-safe.
class Report {
 public:
  Report(size_t total, bool json);

  /// A part of an input, or all of it, is done: such a share of its seconds.
  void advanced(double audio_seconds, double share);
  void done(const Job& job, const Done& what);
  void skipped(const Job& job);
  void failed(const Job& job, const std::string& what);
  /// The closing summary, where there were several inputs. Returns the exit code.
  [[nodiscard]] int finish();

 private:
  void reached();
  void nothing_written(const Job& job, const std::string& why);
  void print_json(const nlohmann::ordered_json& object);
  void print_note(const std::string& line);
  [[nodiscard]] Progress progress() const;

  bool json_;
  std::chrono::steady_clock::time_point start_;
  ProgressBar bar_;
  Progress progress_;
  bool output_broken_ = false;  ///< standard output cannot be written
  size_t nothing_written_ = 0;  ///< inputs that are done without an output
  std::vector<std::string> failures_;
};

}  // namespace contentvec::cli
