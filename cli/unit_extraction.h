#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/plan.h"
#include "cli/recordings.h"
#include "cli/unit_output.h"

namespace contentvec::cli {

/// What `extract` takes to write units in place of features.
struct UnitArguments {
  std::string units;
  bool deduplicate = false;
  bool durations = false;
};
void add_units_of_extract(CLI::App& parser, UnitArguments& arguments);

/// Units are written as these.
inline const Output kUnitLines = {.what = "the units", .option = "--out", .formats = {"units", "txt"}};

/// Throws UsageError for what does not go with units, or only with them; `more` are such options with whether they were
/// given.
void check_unit_arguments(const UnitArguments& arguments, const RecordingArguments& recordings,
                          const std::vector<std::pair<const char*, bool>>& more);

/// What is to be done, as make_plan() does it; several inputs may also become one file, in their order.
Plan make_unit_plan(const UnitArguments& arguments, const RecordingArguments& recordings,
                    PlanOptions options);

/// Opens the units, once it is clear that they are of features as wide as these.
UnitOutputOptions open_units(const UnitArguments& arguments, const RecordingArguments& recordings,
                             const Plan& plan, int64_t dim);

/// Writes what all inputs became, where that is one file.
void finish_units(const UnitOutputOptions& options, const RecordingArguments& recordings);

}  // namespace contentvec::cli
