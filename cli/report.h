#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "cli/progress.h"

namespace contentvec::cli {

/// What became of one input.
struct Done {
  int64_t layers = 0;  ///< more than one array of [frames, dim] where all layers were asked for, else 0
  int64_t frames = 0;
  int64_t dim = 0;
  double audio_seconds = 0;
  double seconds = 0;                      ///< of work on it: decoding, its share of the extraction, writing
  std::vector<std::string> warnings = {};  ///< about its audio
};

/// Tells the user how the inputs go, as soon as it is known. For people, on standard error: a progress bar
/// where that is a terminal, else one line each. Where `json`: one JSON object each on standard output, the
/// manifest. Failures are on standard error either way. Not thread-safe.
class Report {
 public:
  Report(size_t total, bool json);

  /// So much audio, more or all of an input, was extracted and written.
  void advanced(double audio_seconds);
  void done(const Job& job, const Done& what);
  void skipped(const Job& job);
  void failed(const Job& job, const std::string& what);
  /// The closing summary, where there were several inputs. Returns the exit code.
  [[nodiscard]] int finish();

 private:
  void print_json(const nlohmann::ordered_json& object);
  void print_note(const std::string& line);
  [[nodiscard]] Progress progress() const;

  bool json_;
  std::chrono::steady_clock::time_point start_;
  ProgressBar bar_;
  Progress progress_;
  bool output_broken_ = false;  ///< standard output cannot be written
  std::vector<std::string> failures_;
};

}  // namespace contentvec::cli
