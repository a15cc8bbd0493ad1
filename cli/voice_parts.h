#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.h"
#include "contentvec/converter.h"
#include "contentvec/model.h"
#include "contentvec/pitch.h"
#include "contentvec/retriever.h"
#include "contentvec/voice.h"

namespace contentvec::cli {

/// What every command takes that speaks with a voice.
struct VoiceArguments {
  std::optional<int> voice_rate;
  int64_t speaker = 0;
  std::string model;
  std::string pitch_method;
  std::string pitch_model;
  std::optional<double> threshold;
  std::string unvoiced;
  double key = 0;
  std::string index;
  std::optional<float> index_rate;
  std::optional<float> protect;
  std::optional<float> rms_mix_rate;
  double formant = 0;
  std::optional<uint64_t> seed;
  std::string dtype = "f32";
  std::string device = "cpu";
  int threads = 0;
};

/// Declares them, but for --voice: who speaks, with what pitch, and how the rest is computed.
void add_voice_parts(Options& options, VoiceArguments& arguments);
void add_pitch(Options& options, VoiceArguments& arguments);
/// `protect`: what counts where nothing is said.
void add_retrieval(Options& options, VoiceArguments& arguments, const char* protect);
/// `semitones`: as far as formants go.
void add_sound(Options& options, VoiceArguments& arguments, double semitones);
/// `standard`: what counts where nothing is said.
void add_seed(Options& options, VoiceArguments& arguments, const char* standard);
void add_speed(Options& options, VoiceArguments& arguments);

/// Who speaks.
struct Speaker {
  Voice voice;
  std::optional<std::string> index;  ///< where the retriever comes from
  std::optional<Retriever> retriever;
};

/// Loads the voice that `spec` means, and its index: the one given, else the voice's own, but neither where
/// `index_rate` is 0 or it is not wanted. Says what there is to say of them. Throws Error.
Speaker load_speaker(const std::string& spec, const VoiceArguments& arguments, float index_rate);
/// The model that it takes: the one given, else the one that its version takes.
Model load_model(const VoiceArguments& arguments, const VoiceInfo& voice);
/// The estimator, for a voice with pitch.
std::optional<PitchEstimator> load_estimator(const VoiceArguments& arguments, const VoiceInfo& voice);

/// Of the names "interpolate" (and of none) and "keep".
Unvoiced unvoiced_of(const std::string& name);
/// Says of an option that it has no effect, where it is given.
void warn_if_idle(const char* option, bool is_given, const char* why);
inline constexpr const char* kNoIndex = "none";  ///< given for an index, there is none
inline constexpr const char* kWithoutIndex = "there is no index for this voice";
inline constexpr const char* kWithoutPitch = "this voice takes no pitch";
/// Says what was given to no effect.
void warn_of_idle_options(const VoiceArguments& arguments, const VoiceInfo& voice, bool has_index);

}  // namespace contentvec::cli
