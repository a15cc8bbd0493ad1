#include "cli/serve/studio.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "cli/console.h"
#include "cli/download_bar.h"
#include "cli/serve/reply.h"
#include "cli/voice_list.h"

namespace contentvec::cli::serve {
namespace {

constexpr size_t kMostSpeakers = 3;  // that are kept loaded, of 60 to 250 MB each

std::vector<std::string> methods_of(const VoiceArguments& arguments,
                                    const std::map<std::string, PitchEstimator>& loaded) {
  if (!loaded.empty()) return {loaded.begin()->first};
  std::vector<std::string> methods = {"rmvpe"};
  if (find_fcpe() || arguments.pitch_method == "fcpe") methods.emplace_back("fcpe");
  if (arguments.pitch_method == "fcpe") std::swap(methods.front(), methods.back());
  return methods;
}

/// The name, with a number where it is taken.
std::string free_name(const std::string& name, std::set<std::string>& taken) {
  std::string free = name;
  for (int number = 2; !taken.insert(free).second; ++number) free = fmt::format("{} ({})", name, number);
  return free;
}

/// What a spec is called: the name of its file, or all of what names it on the hub.
std::string name_of_spec(const std::string& spec) {
  std::error_code ignored;
  const std::filesystem::path path = spec;
  const bool is_file = spec.starts_with("synthetic:") || std::filesystem::exists(path, ignored);
  return utf8_text(is_file ? path.filename().string() : spec);
}

std::string name_below(const std::string& folder, const ListedVoice& listed) {
  return utf8_text(listed.path.lexically_relative(folder).string());
}

/// A voice that is missed on the page may be among them.
void say_of_others(const VoiceList& list, const std::string& folder) {
  const auto others = std::count_if(list.files.begin(), list.files.end(),
                                    [](const ListedVoice& listed) { return !listed.info; });
  if (others == 0) return;
  note_line(fmt::format("contentvec: note: {} below {} {} not offered, being no voice{}",
                        others == 1 ? "1 file" : fmt::format("{} files", others), shown(folder),
                        others == 1 ? "is" : "are",
                        verbosity() == Verbosity::kVerbose ? ":" : " (--verbose says why)"));
  for (const ListedVoice& listed : list.files)
    if (!listed.info)
      detail_line(fmt::format("contentvec: {}: {}", shown(name_below(folder, listed)), shown(listed.why)));
}

}  // namespace

Studio::Studio(std::vector<OfferedVoice> voices, const VoiceArguments& arguments)
    : voices_(std::move(voices)), arguments_(arguments) {
  // A mistake in what is named is to be known at once.
  if (!arguments.model.empty()) (void)model(voices_.front().info);
  if (!arguments.pitch_model.empty()) {
    PitchEstimator estimator = *load_estimator(arguments, VoiceInfo());
    estimators_.emplace(pitch_method_name(estimator.method()), estimator);
  }
  methods_ = methods_of(arguments, estimators_);
}

const OfferedVoice& Studio::voice(const std::string& name) const {
  const auto found = std::find_if(voices_.begin(), voices_.end(),
                                  [&](const OfferedVoice& voice) { return voice.name == name; });
  if (found == voices_.end())
    throw Problem(400, name.empty() ? "voice: expected a name that /api/voices has"
                                    : fmt::format("voice: there is none \"{}\" (see /api/voices)", name));
  return *found;
}

void Studio::check(Settings& settings) const {
  const OfferedVoice& asked = voice(settings.voice);
  if (settings.method.empty()) settings.method = methods_.front();
  if (std::find(methods_.begin(), methods_.end(), settings.method) == methods_.end())
    throw Problem(400,
                  fmt::format("method: \"{}\" is not one of {}", settings.method, fmt::join(methods_, ", ")));
  if (settings.speaker >= static_cast<double>(asked.info.speakers))
    throw Problem(400, fmt::format("speaker: {} is none of this voice's {}, numbered from 0",
                                   settings.speaker, asked.info.speakers));
}

Parts Studio::parts(const Settings& settings) {
  const std::scoped_lock lock(mutex_);
  Speaker speaking = speaker(voice(settings.voice));
  const VoiceInfo& info = speaking.voice.info();
  return {.model = model(info),
          .pitch = estimator(settings.method, info),
          .voice = speaking.voice,
          .retriever = std::move(speaking.retriever)};
}

Speaker Studio::speaker(const OfferedVoice& voice) {
  const auto found = std::find_if(speakers_.begin(), speakers_.end(),
                                  [&](const auto& loaded) { return loaded.first == voice.name; });
  if (found != speakers_.end()) {
    speakers_.splice(speakers_.begin(), speakers_, found);
  } else {
    VoiceArguments arguments = arguments_;
    arguments.speaker = 0;  // requests say which
    arguments.voice_rate = voice.info.sample_rate;
    arguments.index = voice.index.value_or(kNoIndex);
    speakers_.emplace_front(voice.name, load_speaker(voice.spec, arguments, 1));
    if (speakers_.size() > kMostSpeakers) speakers_.pop_back();
  }
  return speakers_.front().second;
}

Model Studio::model(const VoiceInfo& voice) {
  auto found = models_.find(voice.version);
  if (found == models_.end()) found = models_.emplace(voice.version, load_model(arguments_, voice)).first;
  return found->second;
}

std::optional<PitchEstimator> Studio::estimator(const std::string& method, const VoiceInfo& voice) {
  if (!voice.pitch) return std::nullopt;
  auto found = estimators_.find(method);
  if (found == estimators_.end()) {
    VoiceArguments arguments = arguments_;
    arguments.pitch_method = method;
    found = estimators_.emplace(method, *load_estimator(arguments, voice)).first;
  }
  return found->second;
}

std::vector<OfferedVoice> offered_voices(const std::string& folder, const std::vector<std::string>& specs,
                                         const VoiceArguments& arguments) {
  std::vector<OfferedVoice> voices;
  std::set<std::string> taken;
  const auto index = [&](std::optional<std::string> own) {
    if (arguments.index == kNoIndex) return std::optional<std::string>();
    return arguments.index.empty() ? std::move(own) : arguments.index;
  };
  for (const std::string& spec : specs) {
    const VoiceSource source = find_voice(spec, hub_options());
    VoiceInfo info = inspect_voice(source.voice, {.hub = hub_options(), .sample_rate = arguments.voice_rate});
    voices.push_back({free_name(name_of_spec(spec), taken), spec, index(source.index), std::move(info)});
  }
  if (folder.empty()) return voices;
  VoiceList list = list_voices(folder, arguments.voice_rate);
  warning_lines(list.problems);
  say_of_others(list, folder);
  for (ListedVoice& listed : list.files) {
    if (!listed.info) continue;
    voices.push_back({free_name(name_below(folder, listed), taken), listed.path.string(), index(listed.index),
                      std::move(*listed.info)});
  }
  return voices;
}

}  // namespace contentvec::cli::serve
