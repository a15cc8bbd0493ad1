#pragma once

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/serve/settings.h"
#include "cli/voice_parts.h"
#include "contentvec/converter.h"

namespace contentvec::cli::serve {

/// A voice that can be asked for.
struct OfferedVoice {
  std::string name;                  ///< what clients call it; no two have the same
  std::string spec;                  ///< for Voice::load()
  std::optional<std::string> index;  ///< the one given for all of them, else its own
  VoiceInfo info;
};

/// What a conversion or a stream is made of.
struct Parts {
  Model model;
  std::optional<PitchEstimator> pitch;
  Voice voice;
  std::optional<Retriever> retriever;
};

/// The voices that are offered, and the models, which are loaded when they are first asked for. Any thread may ask;
/// while one loads, others wait.
class Studio {
 public:
  /// Loads what `arguments` names. Throws Error.
  Studio(std::vector<OfferedVoice> voices, const VoiceArguments& arguments);

  [[nodiscard]] const std::vector<OfferedVoice>& voices() const { return voices_; }
  /// Throws Problem for a name that none has.
  [[nodiscard]] const OfferedVoice& voice(const std::string& name) const;
  /// Names of pitch estimators that can be asked for, the default first.
  [[nodiscard]] const std::vector<std::string>& methods() const { return methods_; }
  /// Throws Problem where the voice, the method or the speaker is none that there is; an empty method becomes the
  /// default.
  void check(Settings& settings) const;
  /// Throws Error. Of settings, voice and method count, which have been checked.
  Parts parts(const Settings& settings);

 private:
  Speaker speaker(const OfferedVoice& voice);
  Model model(const VoiceInfo& voice);
  std::optional<PitchEstimator> estimator(const std::string& method, const VoiceInfo& voice);

  std::vector<OfferedVoice> voices_;
  VoiceArguments arguments_;
  std::vector<std::string> methods_;
  std::mutex mutex_;
  std::list<std::pair<std::string, Speaker>> speakers_;  ///< loaded, the one asked for last first
  std::map<std::string, Model> models_;                  ///< by the versions of voices
  std::map<std::string, PitchEstimator> estimators_;     ///< by method
};

/// Those below a folder and those named, by names that clients can use. Throws Error where a named one is none.
std::vector<OfferedVoice> offered_voices(const std::string& folder, const std::vector<std::string>& specs,
                                         const VoiceArguments& arguments);

}  // namespace contentvec::cli::serve
