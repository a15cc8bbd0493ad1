#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/voice_parts.h"
#include "contentvec/converter.h"
#include "contentvec/stream.h"

namespace contentvec::cli::serve {

/// How a recording or a stream is to be converted: what a request may say.
struct Settings {
  std::string voice;
  std::string method;  ///< the pitch estimator's
  double key = 0;
  double formant = 0;
  double index_rate = static_cast<double>(kIndexRate);
  double protect = 0.33;
  double rms_mix_rate = 1;
  double speaker = 0;
  std::optional<double> seed;
};

/// A number of them: its name in a request, and the range that is taken.
struct NumberSetting {
  const char* name;
  double Settings::*value;
  double least, most;
  bool is_whole = false;
};
inline constexpr double kMostSpeaker = 65535;
inline constexpr double kMostSeed =
    9007199254740991;  ///< the largest whole number that JavaScript is sure of
inline constexpr std::array<NumberSetting, 6> kNumberSettings = {
    {{"key", &Settings::key, -48, 48},
     {"formant", &Settings::formant, -12, 12},
     {"index_rate", &Settings::index_rate, 0, 1},
     {"protect", &Settings::protect, 0, 0.5},
     {"rms_mix_rate", &Settings::rms_mix_rate, 0, 1},
     {"speaker", &Settings::speaker, 0, kMostSpeaker, true}}};

/// What the command line says, else `protect`.
Settings default_settings(const VoiceArguments& arguments, double protect);

/// Sets what an object names: its members are Settings' but for `others`, which are left alone. Throws Problem for a
/// name that is none of them, and for a value of another type or out of range.
void set_from(Settings& settings, const nlohmann::ordered_json& object,
              const std::vector<std::string>& others = {});
/// The same for what a query says.
void set_from(Settings& settings, const std::map<std::string, std::string>& query,
              const std::vector<std::string>& others = {});
/// The same for what may change while a stream runs, which is kNumberSettings.
void change_from(Settings& settings, const nlohmann::ordered_json& object,
                 const std::vector<std::string>& others = {});

/// As a client reads them.
nlohmann::ordered_json json_of(const Settings& settings);

ConvertOptions convert_options(const Settings& settings, const VoiceArguments& arguments);
StreamSettings stream_settings(const Settings& settings, const VoiceArguments& arguments);

}  // namespace contentvec::cli::serve
