#include "cli/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/inputs.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

/// Where the files of one kind go.
class Destination {
 public:
  Destination(std::span<const std::string> inputs, const Output& output)
      : out_(output.out),
        format_(output.format.empty() ? output.formats.front() : output.format),
        mark_(output.out.empty() ? output.mark : ""),
        one_file_(names_a_file(inputs, output)) {
    const std::string ending = ending_of(output);
    if (!one_file_ || ending.empty()) return;
    format_ = ending;
    if (!output.format.empty() && output.format != ending) {
      throw UsageError(fmt::format("{} \"{}\" and --format contradict each other: leave --format out",
                                   output.option, output.out));
    }
  }

  [[nodiscard]] const std::string& format() const { return format_; }
  /// The folder that the user wants it in, or "".
  [[nodiscard]] fs::path folder() const { return one_file_ ? fs::path() : fs::path(out_); }
  /// Whether outputs are told from inputs by their names.
  [[nodiscard]] bool is_marked() const { return !mark_.empty(); }

  [[nodiscard]] fs::path of(const Found& found) const {
    if (one_file_) return out_ == "-" ? kStandardOutput : out_;
    const std::string stem = found.path == "-" ? "stdin" : fs::path(found.path).stem().string();
    return out_ / found.folder / (stem + mark_ + "." + format_);
  }

 private:
  /// The one of the formats that the path ends as, or "".
  static std::string ending_of(const Output& output) {
    const auto is_end = [&](const std::string& format) {
      return fs::path(output.out).extension() == "." + format;
    };
    const auto found = std::find_if(output.formats.begin(), output.formats.end(), is_end);
    return found == output.formats.end() ? "" : *found;
  }

  /// Whether it is one file to write rather than a folder to write into.
  static bool names_a_file(std::span<const std::string> inputs, const Output& output) {
    const std::string& out = output.out;
    const bool several = !is_one_file(inputs);
    if (out == "-") {
      if (several) {
        throw UsageError(fmt::format("{} - takes {} of one input to standard output: name one file",
                                     output.option, output.what));
      }
      return true;
    }
    if (out.empty() || out.back() == '/' || is_a_directory(out)) return false;
    const bool known = !ending_of(output).empty();
    std::error_code ignored;
    if (several && (known || fs::exists(out, ignored))) {
      throw UsageError(
          fmt::format("{} \"{}\" is one file, but the inputs become one file each: give a directory",
                      output.option, out));
    }
    if (!several && !known) {
      throw UsageError(fmt::format("{} \"{}\": end it in .{} for a file, in / for a directory", output.option,
                                   out, fmt::join(output.formats, " or .")));
    }
    return !several;
  }

  std::string out_;
  std::string format_;
  std::string mark_;
  bool one_file_;
};

/// What a path leads to; as it is where it cannot be followed.
fs::path settled(const fs::path& path) {
  std::error_code error;
  const fs::path found =
      fs::weakly_canonical(fs::absolute(path), error);  // absolute also where nothing is there
  return error ? path : found;
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const fs::path relative = settled(path).lexically_relative(settled(folder));
  return !relative.empty() && *relative.begin() != "..";
}

/// What an earlier run of the same command wrote where this one looks for inputs, in any of its formats: what has the
/// name of another input's output with its mark, and what a search found in the folder of outputs below an input.
class EarlierOutputs {
 public:
  EarlierOutputs(const Destination& destination, const Output& output, std::span<const Found> inputs)
      : output_(output), folder_(destination.folder()) {
    if (!destination.is_marked()) return;
    for (const Found& found : inputs)
      if (found.problem.empty()) names_.insert(settled(destination.of(found)).replace_extension());
  }

  [[nodiscard]] bool has(const Found& found) const {
    const bool is_format = std::any_of(
        output_.formats.begin(), output_.formats.end(),
        [&](const std::string& format) { return fs::path(found.path).extension() == "." + format; });
    return is_format && (names_.contains(settled(found.path).replace_extension()) || is_in_folder(found));
  }

 private:
  [[nodiscard]] bool is_in_folder(const Found& found) const {
    if (folder_.empty() || found.folder.empty()) return false;
    fs::path searched = fs::path(found.path).parent_path();
    for (auto part = found.folder.begin(); part != found.folder.end(); ++part)
      searched = searched.parent_path();
    return is_below(found.path, folder_) && !is_below(searched, folder_);
  }

  const Output& output_;
  fs::path folder_;
  std::set<fs::path> names_;  ///< without their endings
};

/// Takes them out of the inputs, and says so.
void leave_out_earlier(Inputs& inputs, const Destination& destination, const Output& output) {
  const EarlierOutputs earlier(destination, output, inputs.found);
  std::string first;
  const size_t count = std::erase_if(inputs.found, [&](const Found& found) {
    const bool is_earlier = earlier.has(found);
    if (is_earlier && first.empty()) first = found.path;
    return is_earlier;
  });
  if (count == 0) return;
  inputs.notes.push_back(fmt::format("left out, as an earlier run wrote {}: {}{}", count == 1 ? "it" : "them",
                                     first, count == 1 ? "" : fmt::format(" and {} more", count - 1)));
}

void refuse_collisions(const std::vector<Job>& jobs) {
  std::map<fs::path, std::string_view> writers;
  for (const Job& job : jobs) {
    for (const fs::path& output : job.outputs()) {
      const auto [earlier, is_new] = writers.try_emplace(output, job.input);
      if (!is_new) {
        throw UsageError(
            fmt::format("\"{}\" and \"{}\" would both be written to \"{}\": give them different directories "
                        "(--recursive keeps those below an input)",
                        earlier->second, job.input, output.string()));
      }
    }
  }
}

void refuse_overwriting(const std::vector<Job>& jobs, const PlanOptions& options) {
  std::set<fs::path> precious;
  std::error_code ignored;
  for (const std::string& file : options.keep) {
    if (!file.empty()) precious.insert(fs::weakly_canonical(file, ignored));
  }
  for (const Job& job : jobs) precious.insert(fs::weakly_canonical(job.input, ignored));
  precious.erase(fs::path());  // what cannot be followed, such as a pipe behind /dev/stdout
  for (const Job& job : jobs) {
    for (const fs::path& output : job.outputs()) {
      if (precious.contains(fs::weakly_canonical(output, ignored))) {
        throw UsageError(
            fmt::format("{} of \"{}\" would overwrite \"{}\", which is to be read: choose another --out",
                        options.output.what, job.input, output.string()));
      }
    }
  }
}

std::vector<Job> shard_of(std::vector<Job> jobs, const Shard& shard) {
  std::vector<Job> mine;
  for (size_t i = shard.index; i < jobs.size(); i += shard.count) mine.push_back(std::move(jobs[i]));
  return mine;
}

}  // namespace

std::vector<fs::path> Job::outputs() const {
  if (!problem.empty()) return {};
  std::vector<fs::path> all = {output};
  all.insert(all.end(), beside.begin(), beside.end());
  return all;
}

void check_outputs(const std::vector<Job>& jobs, const PlanOptions& options) {
  refuse_collisions(jobs);
  refuse_overwriting(jobs, options);
}

Plan make_plan(std::span<const std::string> inputs, const PlanOptions& options) {
  const Destination main(inputs, options.output);
  std::vector<Destination> beside;
  for (const Output& output : options.beside) {
    if (!output.out.empty()) beside.emplace_back(inputs, output);
  }
  Inputs all = find_inputs(inputs, options.recursive);
  leave_out_earlier(all, main, options.output);
  Plan plan{{}, main.format(), std::move(all.notes)};
  for (const Found& found : all.found) {
    Job& job = plan.jobs.emplace_back(Job{found.path, {}, found.problem});
    if (!job.problem.empty()) continue;
    job.output = main.of(found);
    for (const Destination& destination : beside) job.beside.push_back(destination.of(found));
  }
  check_outputs(plan.jobs, options);
  plan.jobs = shard_of(std::move(plan.jobs), options.shard);
  return plan;
}

}  // namespace contentvec::cli
