#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace contentvec::cli {

/// One input and what it becomes.
struct Job {
  std::string input;             ///< as the user wrote it, or a path below a directory the user wrote
  std::filesystem::path output;  ///< empty where there is a problem
  std::string problem = {};      ///< why this input cannot be done, where that is known beforehand
  std::vector<std::filesystem::path> beside = {};  ///< further files it becomes, such as a picture
  std::string name = {};  ///< in a file of lines of all inputs; empty: the input's own

  /// Every file it becomes; none where there is a problem.
  [[nodiscard]] std::vector<std::filesystem::path> outputs() const;
};

/// Every `count`-th input from number `index` on, so that several machines can share the work.
struct Shard {
  size_t index = 0;  ///< from 0
  size_t count = 1;
};

/// A kind of file that a command makes of each recording, and where the user wants it.
struct Output {
  const char* what;                  ///< for messages: "the features"
  const char* option;                ///< that says where: "--out"
  std::vector<std::string> formats;  ///< endings, without the dot; the first is the default
  const char* mark = "";             ///< after the stem where no `out` is given: ".converted"
  std::string out = {};              ///< the option's value, may be empty
  std::string format = {};           ///< what --format says, may be empty
};

struct PlanOptions {
  Output output;
  std::vector<Output> beside = {};  ///< further ones, each where its option was given
  bool recursive = false;
  Shard shard = {};
  std::vector<std::string> keep = {};  ///< files that must not be overwritten
};

/// What a command is going to do.
struct Plan {
  std::vector<Job> jobs;
  std::string format;                   ///< of the output, one of its formats
  std::vector<std::string> notes = {};  ///< about the inputs, for a person to read
};

/// Where the output of `--out -` goes.
inline constexpr const char* kStandardOutput = "/dev/stdout";

/// Decides what each input is written to. Of the output, and likewise of what is beside it:
/// - One input and an `out` that ends in one of the formats: that file, in that format.
/// - One input and "-": kStandardOutput.
/// - An `out` that is a directory or ends in '/', several inputs, or an input that is a directory or a list:
///   <stem>.<format> each, in `out`; empty: <stem><mark>.<format> in the current directory. With `recursive`, in the
///   same directories below `out` as below the input.
/// What inputs stand for: find_inputs. Of these, outputs of an earlier run are left out, with a note: by the mark in
/// their names, or found in an `out` below an input. Throws UsageError when `out` and `format` contradict each other or
/// the number of inputs, and as check_outputs does.
Plan make_plan(std::span<const std::string> inputs, const PlanOptions& options);

/// Throws UsageError when one file would be written twice, and when an output would overwrite an input or one
/// of the files to keep.
void check_outputs(const std::vector<Job>& jobs, const PlanOptions& options);

}  // namespace contentvec::cli
