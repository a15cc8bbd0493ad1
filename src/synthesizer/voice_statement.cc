#include "synthesizer/voice_statement.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "checkpoint/json_text.h"
#include "checkpoint/packed_file.h"
#include "checkpoint/text.h"
#include "runtime/fail.h"
#include "runtime/lower_case.h"
#include "synthesizer/voice_config_json.h"
#include "synthesizer/voice_file.h"

namespace contentvec::synthesizer {
namespace {

using checkpoint::Checkpoint;
using nlohmann::json;

constexpr const char* kOracleMetadata = "oracle.config";  // of the reference data's own files

/// mlx-rvc's NAME.json beside NAME.safetensors, on the disk or in the same zip file; null where there is none.
json json_beside(const Checkpoint& file) {
  const std::string beside = std::filesystem::path(file.source).replace_extension(".json").string();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(beside, ignored) && !checkpoint::has_packed(beside)) return nullptr;
  return checkpoint::parse_json(checkpoint::read_json_text(*checkpoint::open_input_file(beside)), beside);
}

/// The dictionary that RVC and Applio write, mlx-rvc's JSON, or null.
json entries_of(const Checkpoint& file) {
  for (const json* entries : {&file.entries_beside, &file.entries})
    if (entries->is_object() && entries->contains("config")) return *entries;
  if (file.container != "safetensors") return file.entries;
  return json_beside(file);
}

std::string text_in(const json& entries, const char* key) {
  return entries.is_object() && entries.contains(key) && entries[key].is_string()
             ? entries[key].get<std::string>()
             : "";
}

void refuse_other_vocoders(const Checkpoint& file, const json& entries) {
  const std::string vocoder = text_in(entries, "vocoder");
  if (!vocoder.empty() && lower_case(vocoder) != "hifi-gan")
    fail("{}: a voice of the vocoder {}, which this library does not compute; it knows RVC's HiFi-GAN",
         file.source, checkpoint::quote(vocoder));
  const auto has = [&](std::string_view start) {
    const auto first = file.tensors.lower_bound(std::string(start));
    return first != file.tensors.end() && first->first.starts_with(start);
  };
  const bool mrf = has("dec.mrfs.");
  if (mrf || has("dec.upsample_conv_blocks."))
    fail("{}: a voice of Applio's vocoder {}, which this library does not compute; it knows RVC's HiFi-GAN",
         file.source, mrf ? "MRF HiFi-GAN" : "RefineGAN");
}

/// Applio lets its users train on other models' features, and takes those of a version 1 from the last layer.
void add_applios_features(const json& entries, VoiceConfig& config) {
  if (!entries.contains("embedder_model")) return;
  config.last_layer = config.version == "v1";
  const std::string embedder = text_in(entries, "embedder_model");
  constexpr std::array<std::string_view, 3> kContentVec = {"", "none",
                                                           "hubert_base"};  // besides its own name
  const bool known =
      std::find(kContentVec.begin(), kContentVec.end(), lower_case(embedder)) != kContentVec.end();
  if (!known) config.embedder = embedder;
}

/// RVC's `config`, `f0` and `version`, and what Applio says besides.
std::optional<VoiceConfig> config_in(const Checkpoint& file, const json& entries) {
  if (const auto unread = file.unread_entries.find("config"); unread != file.unread_entries.end())
    fail("{}: its config is no voice's: {}", file.source, unread->second);
  if (!entries.is_object() || !entries.contains("config")) return std::nullopt;
  const json& given = entries["config"];
  json fields = given.is_object() ? given : voice_fields_of_list(given, file.source);
  for (const char* key : {"f0", "version"})
    if (entries.contains(key) && !entries[key].is_null()) fields[key] = entries[key];
  VoiceConfig config = voice_config_from_json(fields, file.source);
  add_applios_features(entries, config);
  return config;
}

std::optional<VoiceConfig> config_in_metadata(const Checkpoint& file) {
  for (const char* key : {kVoiceMetadata, kOracleMetadata}) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) continue;
    const std::string origin = file.source + ", metadata " + key;
    return voice_config_from_json(checkpoint::parse_json(found->second, origin), origin);
  }
  return std::nullopt;
}

/// What people wrote into the file: texts and numbers that are no part of the configuration.
std::map<std::string, std::string> notes_in(const Checkpoint& file, const json& entries) {
  constexpr size_t kMost = 64;
  constexpr size_t kLongest = 2000;
  constexpr std::array<std::string_view, 3> kNone = {"f0", "version", "sr"};
  std::map<std::string, std::string> notes;
  const auto add = [&](const std::string& key, const json& value) {
    if (notes.size() >= kMost || !value.is_primitive() || value.is_null() || key.size() > kLongest) return;
    if (std::find(kNone.begin(), kNone.end(), key) != kNone.end()) return;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (!text.empty() && text.size() <= kLongest) notes.emplace(key, text);
  };
  if (entries.is_object())
    for (const auto& [key, value] : entries.items()) add(key, value);
  for (const auto& [key, value] : file.metadata)
    if (key != kVoiceMetadata && key != kOracleMetadata && key != "format") add(key, value);
  return notes;
}

}  // namespace

VoiceStatement read_statement(const Checkpoint& file) {
  VoiceStatement statement;
  statement.config = config_in_metadata(file);
  const json entries = statement.config ? json() : entries_of(file);
  refuse_other_vocoders(file, entries);
  if (!statement.config) statement.config = config_in(file, entries);
  statement.notes = notes_in(file, entries);
  return statement;
}

}  // namespace contentvec::synthesizer
