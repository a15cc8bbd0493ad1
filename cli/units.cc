#include "cli/units.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "cli/console.h"
#include "cli/fail.h"
#include "cli/folder.h"
#include "contentvec/feature_file.h"
#include "contentvec/units.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFramesOfCluster = 256;  // what FAISS takes of more

struct UnitsArguments {
  std::vector<std::string> features;
  int64_t clusters = 0;
  std::string out;
  int64_t frames = 0;
  UnitOptions training;
};

bool is_feature_file(const fs::path& path) {
  return (path.extension() == ".npy" || path.extension() == ".safetensors") && !is_hidden(path);
}

/// The files that an argument stands for, in and below a directory, sorted.
std::vector<fs::path> files_of(const std::string& features) {
  if (!is_a_directory(features)) return {features};
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(features, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file() && is_feature_file(at->path())) files.push_back(at->path());
  if (error) fail("cannot read the directory '{}': {}", features, error.message());
  if (files.empty()) fail("{}: there are no features in it; give what `contentvec extract` wrote", features);
  std::sort(files.begin(), files.end());
  return files;
}

struct FoundFrames {
  std::vector<fs::path> files;
  int64_t all_frames = 0;
  int64_t dim = 0;
};

/// Reads what the files say of themselves.
FoundFrames find_features(const std::vector<std::string>& arguments) {
  FoundFrames found;
  for (const std::string& argument : arguments) {
    for (const fs::path& file : files_of(argument)) {
      const FeatureFileInfo info = inspect_features(file);
      if (info.layers > 0 || info.shape.size() != 2)
        fail("{}: its shape is [{}], expected [frames, dim] of one layer", file.string(),
             fmt::join(info.shape, ", "));
      if (found.dim != 0 && info.dim != found.dim)
        fail("{}: its features have {} dimensions, those before {}: units are of one layer of one model",
             file.string(), info.dim, found.dim);
      found.dim = info.dim;
      found.files.push_back(file);
      found.all_frames += info.frames;
    }
  }
  return found;
}

/// So many of all frames, evenly spread.
std::vector<float> sample(const FoundFrames& found, int64_t most) {
  const auto rank = [&](int64_t frame) {  // of a frame among those taken, if it is
    return static_cast<int64_t>(static_cast<double>(frame) * static_cast<double>(most) /
                                static_cast<double>(found.all_frames));
  };
  std::vector<float> rows;
  rows.reserve(static_cast<size_t>(std::min(most, found.all_frames) * found.dim));
  int64_t frame = 0;
  for (const fs::path& file : found.files) {
    const Features features = read_features(file);
    for (int64_t i = 0; i < features.frames; ++i, ++frame) {
      if (most < found.all_frames && rank(frame) == rank(frame + 1)) continue;
      const auto row = features.row(i);
      rows.insert(rows.end(), row.begin(), row.end());
    }
  }
  return rows;
}

int run(const UnitsArguments& arguments) {
  if (fs::path(arguments.out).extension() != ".npz")
    throw UsageError(fmt::format("--out \"{}\": end it in .npz", arguments.out));
  const FoundFrames found = find_features(arguments.features);
  make_folder_of(arguments.out);
  const int64_t most = arguments.frames > 0 ? arguments.frames : kFramesOfCluster * arguments.clusters;
  const std::vector<float> rows = sample(found, most);
  note_line(fmt::format("clustering {} of {} frames of {} from {} files",
                        grouped(static_cast<int64_t>(rows.size()) / found.dim), grouped(found.all_frames),
                        found.dim, found.files.size()));
  UnitOptions training = arguments.training;
  training.clusters = arguments.clusters;
  const Units units = Units::train(rows, found.dim, training);
  units.save(arguments.out);
  const std::string line =
      fmt::format("wrote {}: {} units of {}", shown(arguments.out), units.clusters(), units.dim());
  print_or_throw(line, "the units themselves are written");
  return kDone;
}

}  // namespace

Command add_units(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("units", "Cluster features, for `contentvec extract --units`");
  const auto a = std::make_shared<UnitsArguments>();
  Options options(*parser);
  options
      .add("FEATURES", a->features, "Feature files of one layer, and directories with such in and below them",
           "...")
      ->required();
  options.add("--clusters", a->clusters, "How many units", "K")->required()->check(number_in(2, 65536));
  options.add("-o,--out,--output", a->out, "The .npz file to write", "FILE.npz")->required();
  options
      .add("--frames", a->frames,
           "How many frames to take, evenly spread over all (default: 256 for each cluster)", "N")
      ->check(number_in(int64_t{2}, int64_t{1} << 40));
  options.add("--iterations", a->training.iterations, "Iterations of k-means (default: 25)", "N")
      ->check(number_in(1, 10000));
  options.add("--threads", a->training.threads, "Threads to cluster with (default: one per CPU)", "N")
      ->check(number_in(0, kMaxThreads));
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
