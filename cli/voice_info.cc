#include "cli/voice_info.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <string_view>

#include "cli/console.h"

namespace contentvec::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The number that a text begins with, where nothing but `unit` follows.
std::optional<int64_t> number_of(std::string_view text, std::string_view unit) {
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest = text.substr(static_cast<size_t>(stop - text.data()));
  return error == std::errc() && number >= 0 && rest == unit ? std::optional(number) : std::nullopt;
}

std::string note(const VoiceInfo& info, const char* key) {
  const auto found = info.notes.find(key);
  return found == info.notes.end() ? "" : found->second;
}

std::optional<int64_t> bytes_of(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? std::nullopt : std::optional(static_cast<int64_t>(bytes));
}

/// The number that it has in the models that voices are for.
int layer_of(const Stage& stage) {
  return stage.layer == kModelOutput ? 12 : stage.layer;
}

std::string features_text(const VoiceInfo& info) {
  return fmt::format("ContentVec's layer {}{} ({} values)", layer_of(info.stage),
                     info.stage.final_proj ? " with final_proj" : "", info.feature_dim);
}

}  // namespace

std::optional<int64_t> epochs_of(const VoiceInfo& info) {
  for (const char* key : {"epoch", "iteration"})
    if (const auto number = number_of(note(info, key), "")) return number;
  return number_of(note(info, "info"), "epoch");
}

std::string with_rate_option(std::string text, std::string_view option) {
  constexpr std::string_view kAsked = "give it as sample_rate";
  if (const size_t at = text.find(kAsked); at != std::string::npos)
    text.replace(at, kAsked.size(), fmt::format("give it with {} HZ", option));
  return text;
}

std::string on_one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return text;
}

FileInfo describe_voice(const VoiceInfo& info, const std::optional<std::string>& index) {
  const std::optional<int64_t> bytes = bytes_of(info.source);
  const std::optional<int64_t> epochs = epochs_of(info);
  const std::string author = note(info, "author");
  FileInfo file;
  file.json["kind"] = "voice";
  set_path(file.json, "source", info.source);
  file.json["bytes"] = bytes ? Json(*bytes) : Json();
  file.json["version"] = info.version;
  file.json["sample_rate"] = info.sample_rate;
  file.json["pitch"] = info.pitch;
  file.json["speakers"] = info.speakers;
  file.json["features"] = {
      {"layer", layer_of(info.stage)}, {"final_proj", info.stage.final_proj}, {"dim", info.feature_dim}};
  file.json["samples_per_frame"] = info.samples_per_frame;
  file.json["parameters"] = info.parameters;
  file.json["epochs"] = epochs ? Json(*epochs) : Json();
  file.json["trained_by"] = author.empty() ? Json() : Json(author);
  file.json["index"] = nullptr;
  if (index) set_path(file.json, "index", *index);
  file.json["notes"] = info.notes;
  file.json["warnings"] = info.warnings;

  file.rows = {{"source", shown(info.source)},
               {"size", bytes ? grouped(*bytes) + " bytes" : "-"},
               {"kind", "an RVC voice, " + info.version},
               {"sample rate", fmt::format("{} Hz, {} samples for each frame of 10 ms", info.sample_rate,
                                           info.samples_per_frame)},
               {"pitch", info.pitch ? "yes: it follows the pitch it is given" : "no"},
               {"speakers", info.speakers == 1 ? "1" : fmt::format("{}, numbered from 0", info.speakers)},
               {"features", features_text(info)},
               {"parameters", grouped(info.parameters)},
               {"epochs", epochs ? grouped(*epochs) : "not told by the file"},
               {"trained by", author.empty() ? "not told by the file" : on_one_line(author)}};
  if (index) file.rows.emplace_back("index", shown(*index));
  for (const auto& [key, text] : info.notes)
    if (key != "author" && key != "epoch" && key != "iteration")
      file.rows.emplace_back(on_one_line(key), on_one_line(text));
  for (const std::string& warning : info.warnings) file.rows.emplace_back("warning", on_one_line(warning));
  return file;
}

}  // namespace contentvec::cli
