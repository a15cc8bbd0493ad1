#include "conversion/speech.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "conversion/options.h"

namespace contentvec::conversion {
namespace {

StreamSettings checked(const StreamSettings& settings, const VoiceInfo& voice) {
  const auto check = [](std::string_view what, double value, double least, double most) {
    check_range("stream", what, value, least, most);
  };
  check("key", settings.key, -48, 48);
  check("formant shift", settings.formant, -kHighestFormant, kHighestFormant);
  check("index rate", static_cast<double>(settings.index_rate), 0, 1);
  check("protection", static_cast<double>(settings.protect), 0, 0.5);
  check("loudness mix", static_cast<double>(settings.rms_mix_rate), 0, 1);
  check("gate in dB", settings.gate_db, kNoGate, 0);
  check_speaker(settings.speaker, voice);
  return settings;
}

int64_t stretched(int64_t frames, double formant) {
  return static_cast<int64_t>(std::ceil(static_cast<double>(frames) * std::exp2(formant / 12)));
}

}  // namespace

Speech::Speech(const StreamSizes& sizes, Voice voice, std::optional<Retriever> retriever,
               const StreamSettings& settings)
    : voice_(std::move(voice)),
      retriever_(std::move(retriever)),
      settings_(checked(settings, voice_.info())),
      made_frames_(sizes.frames(sizes.made())),
      stretched_frames_(stretched(made_frames_, settings.formant)),
      stretched_hop_(static_cast<int64_t>(
          std::floor(std::exp2(settings.formant / 12) * voice_.info().sample_rate / 100))),
      to_voice_rate_(stretched_hop_, voice_.info().sample_rate / 100),
      to_rate_(voice_.info().sample_rate, sizes.rate),
      audio_(static_cast<size_t>(stretched_frames_ * voice_.info().samples_per_frame)),
      unstretched_(static_cast<size_t>(made_frames_ * (voice_.info().sample_rate / 100))) {}

void Speech::play(std::span<float> made) {
  to_voice_rate_.run(std::span(audio_).first(static_cast<size_t>(made_frames_ * stretched_hop_)),
                     unstretched_);
  to_rate_.run(unstretched_, made);
}

}  // namespace contentvec::conversion
