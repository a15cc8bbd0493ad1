#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace contentvec::cli {

/// An audio file to extract, or why there is none where the user named something.
struct Found {
  std::string path;
  std::filesystem::path folder;  ///< of its features, below the folder of outputs; empty: in it
  std::string problem;           ///< why this cannot be done, where that is known beforehand
};

struct Inputs {
  std::vector<Found> found;
  std::vector<std::string> notes;  ///< what directories hold beside them, for a person to read
};

/// Whether an input is a list of inputs: a text file, by its name (.txt or .list).
bool is_list(const std::string& input);

/// Whether that is all the user names: one file, or standard input.
bool is_one_file(std::span<const std::string> inputs);

/// The audio files that `inputs` stand for, in a fixed order:
/// - a directory stands for the audio files in it, sorted by path; where `recursive`, also for those in the
///   directories below it, whose structure `Found::folder` keeps; names that start with a dot are left out;
/// - a list stands for the inputs it names, one on each line (directories, too, but no lists): read_list and
///   path_in_line say how it is read;
/// - "-" is standard input, and everything else one audio file.
Inputs find_inputs(std::span<const std::string> inputs, bool recursive);

}  // namespace contentvec::cli
