#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contentvec/feature_file.h"

namespace contentvec::cli {

/// One input and the file it becomes.
struct Job {
  std::string input;             ///< as the user wrote it, or a path below a directory the user wrote
  std::filesystem::path output;  ///< empty where there is a problem
  std::string problem;           ///< why this input cannot be done, where that is known beforehand
};

/// Every `count`-th input from number `index` on, so that several machines can share the work.
struct Shard {
  size_t index = 0;  ///< from 0
  size_t count = 1;
};

struct PlanOptions {
  std::string out;  ///< --out, may be empty
  std::optional<FeatureFormat> format = {};
  bool recursive = false;
  Shard shard = {};
  std::vector<std::string> keep = {};  ///< files that must not be overwritten
};

/// What an `extract` is going to do.
struct Plan {
  std::vector<Job> jobs;
  FeatureFormat format = FeatureFormat::kNpy;
  std::vector<std::string> notes = {};  ///< about the inputs, for a person to read
};

/// Where the features of `--out -` go.
inline constexpr const char* kStandardOutput = "/dev/stdout";

/// Decides what each input is written to.
/// - One input and an `out` that ends in .npy or .safetensors: that file, in that format.
/// - One input and "-": kStandardOutput.
/// - An `out` that is a directory or ends in '/', several inputs, or an input that is a directory or a list:
///   <stem>.npy or <stem>.safetensors each, in `out`; empty: in the current directory. With `recursive`, in
///   the same directories below `out` as below the input.
/// What inputs stand for: find_inputs. Throws UsageError when `out` and `format` contradict each other or the
/// number of inputs, and as check_outputs does.
Plan make_plan(std::span<const std::string> inputs, const PlanOptions& options);

/// Throws UsageError when two jobs would write one file, and when an output would overwrite an input or one
/// of the files to `keep`.
void check_outputs(const std::vector<Job>& jobs, std::span<const std::string> keep);

}  // namespace contentvec::cli
