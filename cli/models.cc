#include "cli/models.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/console.h"
#include "contentvec/error.h"
#include "contentvec/hub.h"

namespace contentvec::cli {
namespace {

std::string as_json(const KnownModel& model) {
  const auto cached = find_cached(std::string(model.name));
  return json_line(
      {{"name", model.name},
       {"repo", model.repo},
       {"file", model.file.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(model.file)},
       {"what", model.what},
       {"cached", cached ? nlohmann::ordered_json(cached->string()) : nlohmann::ordered_json()}});
}

std::string as_text(const KnownModel& model) {
  const std::string from = fmt::format("{}{}{}", model.repo, model.file.empty() ? "" : "/", model.file);
  return fmt::format("{:<20} {:<55} {:<7} {}", model.name, from,
                     find_cached(std::string(model.name)) ? "here" : "-", model.what);
}

int run(bool json) {
  for (const KnownModel& model : known_models()) {
    if (!print_line(json ? as_json(model) : as_text(model))) throw Error("cannot write to standard output");
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
