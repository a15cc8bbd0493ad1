#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/feature_output.h"
#include "cli/plan.h"
#include "cli/report.h"
#include "contentvec/units.h"

namespace contentvec::cli {

/// The lines of all inputs, where they become one file, in the order they were done in.
struct UnitLines {
  std::string units = {};
  std::string durations = {};
};

/// How `extract --units` writes an input.
struct UnitOutputOptions {
  Units units;
  std::string format;  ///< "units": textlesslib's lines; "txt": fairseq's
  bool deduplicate = false;
  bool durations = false;                  ///< in a file beside, of the same lines
  std::shared_ptr<UnitLines> joined = {};  ///< where all inputs become one file
};

/// What an input is called in its line.
std::string name_in_line(const Job& job);

/// What stands between that name and the units.
char separator_of(const std::string& format);

/// Where the durations go that belong to a file of units.
std::filesystem::path durations_beside(const std::filesystem::path& units);

/// Throws Error where what is at the job's outputs is not what this run would write.
void check_existing(const Job& job, const UnitOutputOptions& options);

/// Writes the file of all inputs, and the one of their durations: each whole or not at all.
void write_lines(const UnitLines& lines, const std::filesystem::path& path, bool durations);

/// The units of one input, gathered piece by piece and written with the last.
class UnitOutput : public StagedOutput {
 public:
  /// `frames`: of the whole recording. `options` must outlive it.
  UnitOutput(const Job& job, int64_t frames, const UnitOutputOptions& options);
  Outcome write(int64_t first_frame, const std::vector<Features>& stages) override;

 private:
  void write_runs(const UnitRuns& runs) const;

  const Job& job_;
  const UnitOutputOptions& options_;
  std::vector<int32_t> units_;  ///< of each frame
};

}  // namespace contentvec::cli
