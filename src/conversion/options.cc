#include "conversion/options.h"

#include <algorithm>
#include <string_view>

#include "runtime/fail.h"

namespace contentvec::conversion {

void check_range(std::string_view owner, std::string_view what, double value, double least, double most) {
  if (!(value >= least && value <= most))
    fail("the {} of a {} is {}; expected {} to {}", what, owner, value, least, most);
}

void check_speaker(int64_t speaker, const VoiceInfo& voice) {
  if (speaker >= 0 && speaker < voice.speakers) return;
  fail("speaker {} is asked for; this voice has {}, numbered from 0: {}", speaker, voice.speakers,
       voice.source);
}

void check_options(const ConvertOptions& options, const VoiceInfo& voice) {
  constexpr double kHighestHz = 10000;  // of a pitch, which no voice has
  const auto check = [](std::string_view what, double value, double least, double most) {
    check_range("conversion", what, value, least, most);
  };
  check("key", options.key, -48, 48);
  check("index rate", static_cast<double>(options.index_rate), 0, 1);
  check("nprobe", static_cast<double>(options.nprobe), 0, 1e18);
  check("protection", static_cast<double>(options.protect), 0, 0.5);
  check("loudness mix", static_cast<double>(options.rms_mix_rate), 0, 1);
  check("formant shift", options.formant, -24, 24);
  check("crossfade in ms", options.crossfade_ms, 0, 500);
  if (options.output_rate != 0) check("output rate in Hz", options.output_rate, 1000, 1'000'000);
  check_speaker(options.speaker, voice);
  const auto is_wrong = [](float hz) { return !(hz >= 0 && static_cast<double>(hz) <= kHighestHz); };
  const auto wrong = std::find_if(options.f0.begin(), options.f0.end(), is_wrong);
  if (wrong != options.f0.end()) {
    fail("value {} of the pitch is {} Hz; expected 0 (unvoiced) to {}", wrong - options.f0.begin(), *wrong,
         kHighestHz);
  }
}

}  // namespace contentvec::conversion
