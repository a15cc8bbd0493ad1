#include "cli/serve/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/serve/reply.h"

namespace contentvec::cli::serve {
namespace {

double number_of(const std::string& name, const Json& value, double least, double most, bool is_whole) {
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  const bool fits = number >= least && number <= most && (!is_whole || number == std::floor(number));
  if (!fits)
    throw Problem(400, fmt::format("{}: {} is no {}number from {:.17g} to {:.17g}", name, json_line(value),
                                   is_whole ? "whole " : "", least, most));
  return number;
}

std::string text_of(const std::string& name, const Json& value) {
  if (!value.is_string()) throw Problem(400, fmt::format("{}: expected a text", name));
  return value.get<std::string>();
}

/// `names`: those that can be set besides kNumberSettings.
[[noreturn]] void refuse_name(const std::string& name, std::vector<std::string> names) {
  for (const NumberSetting& number : kNumberSettings) names.emplace_back(number.name);
  throw Problem(400, fmt::format("there is no setting \"{}\" here, but {}", name, fmt::join(names, ", ")));
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void set_number(Settings& settings, const std::string& name, const Json& value,
                const std::vector<std::string>& others) {
  const auto* const found = std::find_if(kNumberSettings.begin(), kNumberSettings.end(),
                                         [&](const NumberSetting& number) { return name == number.name; });
  if (found == kNumberSettings.end()) refuse_name(name, others);
  settings.*found->value = number_of(name, value, found->least, found->most, found->is_whole);
}

void set_one(Settings& settings, const std::string& name, const Json& value,
             const std::vector<std::string>& others) {
  if (has(others, name)) return;
  if (name == "voice") {
    settings.voice = text_of(name, value);
  } else if (name == "method") {
    settings.method = text_of(name, value);
  } else if (name == "seed") {
    settings.seed = number_of(name, value, 0, kMostSeed, true);
  } else {
    std::vector<std::string> besides = {"voice", "method", "seed"};
    besides.insert(besides.end(), others.begin(), others.end());
    set_number(settings, name, value, besides);
  }
}

/// A number where a text is one: not "nan", which JSON cannot say.
Json value_of(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  const bool is_number = error == std::errc() && read == end && std::isfinite(number);
  return is_number ? Json(number) : Json(text);
}

}  // namespace

Settings default_settings(const VoiceArguments& arguments, double protect) {
  const auto or_default = [](const std::optional<float>& given, double standard) {
    return given ? static_cast<double>(*given) : standard;
  };
  Settings settings;
  settings.method = arguments.pitch_method;
  settings.key = arguments.key;
  settings.formant = arguments.formant;
  settings.index_rate = or_default(arguments.index_rate, settings.index_rate);
  settings.protect = or_default(arguments.protect, protect);
  settings.rms_mix_rate = or_default(arguments.rms_mix_rate, 1);
  settings.speaker = static_cast<double>(arguments.speaker);
  return settings;
}

void set_from(Settings& settings, const Json& object, const std::vector<std::string>& others) {
  for (const auto& [name, value] : object.items()) set_one(settings, name, value, others);
}

void set_from(Settings& settings, const std::map<std::string, std::string>& query,
              const std::vector<std::string>& others) {
  // A voice may have a number for a name.
  for (const auto& [name, value] : query)
    set_one(settings, name, name == "voice" ? Json(value) : value_of(value), others);
}

void change_from(Settings& settings, const Json& object, const std::vector<std::string>& others) {
  for (const auto& [name, value] : object.items())
    if (!has(others, name)) set_number(settings, name, value, others);
}

Json json_of(const Settings& settings) {
  Json json = {{"voice", settings.voice}, {"method", settings.method}};
  for (const NumberSetting& number : kNumberSettings) json[number.name] = settings.*number.value;
  json["seed"] = settings.seed ? Json(static_cast<uint64_t>(*settings.seed)) : Json();
  return json;
}

ConvertOptions convert_options(const Settings& settings, const VoiceArguments& arguments) {
  ConvertOptions options;
  options.key = settings.key;
  options.formant = settings.formant;
  options.index_rate = static_cast<float>(settings.index_rate);
  options.protect = static_cast<float>(settings.protect);
  options.rms_mix_rate = static_cast<float>(settings.rms_mix_rate);
  options.speaker = static_cast<int64_t>(settings.speaker);
  options.unvoiced = unvoiced_of(arguments.unvoiced);
  options.pitch_threshold = arguments.threshold;
  options.seed = settings.seed ? static_cast<uint64_t>(*settings.seed) : std::random_device()();
  return options;
}

StreamSettings stream_settings(const Settings& settings, const VoiceArguments& arguments) {
  return {.key = settings.key,
          .formant = settings.formant,
          .speaker = static_cast<int64_t>(settings.speaker),
          .index_rate = static_cast<float>(settings.index_rate),
          .protect = static_cast<float>(settings.protect),
          .rms_mix_rate = static_cast<float>(settings.rms_mix_rate),
          .unvoiced = unvoiced_of(arguments.unvoiced)};
}

}  // namespace contentvec::cli::serve
