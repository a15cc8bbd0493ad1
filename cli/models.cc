#include "cli/models.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/console.h"
#include "contentvec/hub.h"
#include "contentvec/pitch.h"

namespace contentvec::cli {
namespace {

/// What the list says of a model.
struct Listed {
  std::string name;
  std::string repo;  ///< empty where it is in none of the hub
  std::string file;  ///< empty where that is for the repository to say
  std::string from;  ///< for people
  std::string what;
  std::optional<std::filesystem::path> here;  ///< where it is on this machine
};

/// The hub's, and FCPE, which a package of Python's carries.
std::vector<Listed> listed_models() {
  std::vector<Listed> all;
  for (const KnownModel& model : known_models()) {
    const std::string name(model.name);
    const std::string repo(model.repo);
    const std::string file(model.file);
    all.push_back({name, repo, file, file.empty() ? repo : repo + "/" + file, std::string(model.what),
                   find_cached(name)});
  }
  all.push_back({"fcpe", "", "", "PyPI: torchfcpe", "FCPE, which estimates pitch faster", find_fcpe()});
  return all;
}

nlohmann::ordered_json or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

std::string as_json(const Listed& model) {
  return json_line({{"name", model.name},
                    {"repo", or_null(model.repo)},
                    {"file", or_null(model.file)},
                    {"what", model.what},
                    {"cached", or_null(model.here ? model.here->string() : "")}});
}

std::string as_text(const Listed& model) {
  return fmt::format("{:<20} {:<55} {:<7} {}", model.name, model.from, model.here ? "here" : "-", model.what);
}

int run(bool json) {
  for (const Listed& model : listed_models()) {
    print_or_throw(json ? as_json(model) : as_text(model));
  }
  return kDone;
}

}  // namespace

Command add_models(CLI::App& app) {
  CLI::App* parser = app.add_subcommand(
      "models",
      "List the models that have a short name: where each comes from, and whether it is on this machine");
  const auto json = std::make_shared<bool>(false);
  parser->add_flag("--json", *json, "Print one line of JSON per model");
  return {parser, [json] { return run(*json); }};
}

}  // namespace contentvec::cli
