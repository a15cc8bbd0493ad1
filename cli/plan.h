#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace contentvec::cli {

enum class Format { kNpy, kSafetensors };

/// One input and the file it becomes.
struct Job {
  std::string input;             ///< as the user wrote it, or a path below a directory the user wrote
  std::filesystem::path output;  ///< empty where there is a problem
  std::string problem;           ///< why this input cannot be done, where that is known beforehand
};

/// What an `extract` is going to do.
struct Plan {
  std::vector<Job> jobs;
  std::filesystem::path folder;  ///< where the outputs go, may not exist yet; empty: the current one
  Format format = Format::kNpy;
};

/// Decides what each input is written to.
/// - One input and an `out` that ends in .npy or .safetensors: that file, in that format.
/// - An `out` that is a directory or ends in '/', several inputs, or an input that is a directory:
///   <stem>.npy or <stem>.safetensors each, in `out`; empty: in the current directory.
/// An input that is a directory stands for the audio files directly in it, by name; "-" is standard input
/// (stem "stdin"). Throws UsageError when `out` and `format` contradict each other or the number of inputs,
/// when two inputs would be written to one file, and when an output would overwrite an input or one of the
/// files to `keep`.
Plan make_plan(std::span<const std::string> inputs, const std::string& out, std::optional<Format> format,
               std::span<const std::string> keep);

}  // namespace contentvec::cli
