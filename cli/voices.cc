#include "cli/voices.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/console.h"
#include "cli/folder.h"
#include "cli/voice_info.h"
#include "cli/voice_list.h"
#include "contentvec/error.h"

namespace contentvec::cli {
namespace {

namespace fs = std::filesystem;

std::string as_json(const ListedVoice& row) {
  nlohmann::ordered_json json;
  if (row.info)
    json = describe_voice(*row.info, row.index).json;
  else
    json["kind"] = nullptr;
  set_path(json, "path", row.path.string());
  if (!row.info) json["why"] = row.why;
  return json_line(json);
}

std::string as_text(const ListedVoice& row, const fs::path& folder) {
  const std::string name = shown(row.path.lexically_relative(folder).string());
  if (!row.info) return fmt::format("{:<40} no voice: {}", name, row.why);
  const std::string index =
      row.index ? shown(fs::path(*row.index).lexically_relative(folder).string()) : "no index";
  const std::string speakers =
      row.info->speakers == 1 ? "1 speaker" : fmt::format("{} speakers", row.info->speakers);
  return fmt::format("{:<40} {} {:>5g} kHz  {:<8}  {:<12}  {}", name, row.info->version,
                     row.info->sample_rate / 1000.0, row.info->pitch ? "pitch" : "no pitch", speakers, index);
}

int run(const std::string& folder, bool json) {
  if (!is_a_directory(folder)) throw UsageError(fmt::format("there is no folder \"{}\"", folder));
  const VoiceList list = list_voices(folder);
  for (const ListedVoice& row : list.files) {
    print_or_throw(json ? as_json(row) : as_text(row, folder));
  }
  const bool any = std::any_of(list.files.begin(), list.files.end(),
                               [](const ListedVoice& row) { return row.info.has_value(); });
  for (const std::string& problem : list.problems) error_line(problem);
  if (!list.problems.empty()) return kFailed;
  if (!any) note_line(fmt::format("there are no voices in {} (.pth, .safetensors, .zip)", folder));
  return kDone;
}

}  // namespace

Command add_voices(CLI::App& app) {
  CLI::App* parser = app.add_subcommand(
      "voices",
      "List the voices below a folder, each with its index; and files that are none, with the reason");
  const auto folder = std::make_shared<std::string>();
  const auto json = std::make_shared<bool>(false);
  parser->add_option("DIR", *folder, "The folder, which is searched with those in it")
      ->required()
      ->option_text(" ");
  parser->add_flag("--json", *json, "Print one line of JSON per file");
  return {parser, [folder, json] { return run(*folder, *json); }};
}

}  // namespace contentvec::cli
