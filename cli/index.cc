#include "cli/index.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/console.h"
#include "cli/folder.h"
#include "contentvec/error.h"
#include "contentvec/retriever.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

struct IndexArguments {
  std::string features;
  std::string out;
  std::string name;
  int threads = 0;
};

bool names_a_folder(const std::string& out) {
  std::error_code ignored;
  return out.ends_with('/') || fs::is_directory(out, ignored);
}

/// The experiment's name, as RVC lays its folders out: NAME/3_feature768; else the folder's own.
std::string default_name(const fs::path& features) {
  const fs::path folder = fs::weakly_canonical(features);
  const std::string own = folder.filename().string();
  const bool laid_out_by_rvc = own == "3_feature256" || own == "3_feature768";
  return laid_out_by_rvc ? folder.parent_path().filename().string() : own;
}

void check_out(const IndexArguments& arguments) {
  const bool folder = names_a_folder(arguments.out);
  if (!folder && !arguments.out.ends_with(".index")) {
    throw UsageError(
        fmt::format("OUT is \"{}\": end it in .index for a file, in / for a directory", arguments.out));
  }
  if (!folder && !arguments.name.empty()) {
    throw UsageError("--name is for the file names in a directory, but OUT is a file: leave it out");
  }
  if (arguments.name.find('/') != std::string::npos) throw UsageError("--name must not contain a /");
}

fs::path write(const Retriever& retriever, const IndexArguments& arguments) {
  if (names_a_folder(arguments.out)) {
    make_folder(arguments.out);
    return retriever.save_for_rvc(arguments.out,
                                  arguments.name.empty() ? default_name(arguments.features) : arguments.name);
  }
  retriever.save(arguments.out);
  return arguments.out;
}

int run(const IndexArguments& arguments) {
  check_out(arguments);
  make_folder_of(arguments.out);
  const Retriever retriever =
      Retriever::build_from_folder(arguments.features, {.threads = arguments.threads, .progress = note_line});
  const fs::path written = write(retriever, arguments);
  const std::string line = fmt::format("wrote {}: {} vectors of {} in {} lists", written.string(),
                                       grouped(retriever.size()), retriever.dim(), retriever.lists());
  print_or_throw(line, "the index itself is written");
  return kDone;
}

}  // namespace

Command add_index(CLI::App& app) {
  CLI::App* parser =
      app.add_subcommand("index", "Build an index for retrieval, as RVC does, from a folder of features");
  const auto a = std::make_shared<IndexArguments>();
  parser->add_option("FEATURES", a->features, "The directory of .npy files, [frames, dim] each")
      ->required()
      ->option_text(" ");
  parser
      ->add_option("OUT", a->out,
                   "The .index file to write; or a directory, for the files trained_IVF*.index and "
                   "added_IVF*.index under RVC's names")
      ->required()
      ->option_text(" ");
  parser
      ->add_option("--name", a->name,
                   "The voice's name in these files' names. Default: RVC's experiment, else that of FEATURES")
      ->option_text("NAME");
  parser->add_option("--threads", a->threads, "Threads to build with (default: one per CPU)")
      ->check(number_in(0, kMaxThreads))
      ->option_text("N");
  return {parser, [a] { return run(*a); }};
}

}  // namespace contentvec::cli
