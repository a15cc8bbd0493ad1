#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/plan.h"

namespace contentvec::cli {

/// What became of one input.
struct Done {
  int64_t layers = 0;  ///< more than one array of [frames, dim] where all layers were asked for, else 0
  int64_t frames = 0;
  int64_t dim = 0;
  double audio_seconds = 0;
  double seconds = 0;  ///< from opening the input to having written the output
};

/// Tells the user how the inputs go, one line each as soon as it is known: for people on standard error, or
/// as JSON on standard output. Failures are on standard error either way.
class Report {
 public:
  Report(size_t total, bool json) : total_(total), json_(json) {}

  void done(const Job& job, const Done& what);
  void failed(const Job& job, const std::string& why);
  /// Repeats which inputs failed, where there were several. Returns the exit code.
  [[nodiscard]] int finish() const;

 private:
  void print_json(const nlohmann::ordered_json& object);

  size_t total_;
  bool json_;
  size_t reached_ = 0;
  bool output_broken_ = false;  ///< standard output cannot be written
  std::vector<std::string> failures_;
};

}  // namespace contentvec::cli
