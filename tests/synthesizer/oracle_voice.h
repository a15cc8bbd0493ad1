#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "contentvec/voice.h"
#include "golden.h"
#include "support.h"
#include "synthesizer/voice_config_json.h"

namespace contentvec::synthesizer {

inline VoiceConfig oracle_config(const std::string& name) {
  const auto path = test::oracle_rvc() / "configs" / (name + ".json");
  return voice_config_from_json(test::read_json(path), path.string());
}

/// A golden of the synthesizer for one recording.
struct VoiceGolden {
  explicit VoiceGolden(const std::string& name)
      : file(test::read_rvc_golden(name)), config(oracle_config(file.metadata.at("config"))) {
    const auto path = test::oracle_rvc() / "golden" / (name + ".safetensors");
    input.speaker = test::read_integers(path, "sid").at(0);
    input.features = file.arrays.at("phone").values;
    input.latent_noise = file.arrays.at("noise_z").values;
    if (config.f0) {
      pitch = test::read_integers(path, "pitch");
      input.f0 = file.arrays.at("pitchf").values;
      input.source_noise = file.arrays.at("noise_source").values;
    }
    if (file.metadata.contains("skip_head")) {
      const auto number = [&](const char* key) { return std::stoll(file.metadata.at(key)); };
      input.skip_frames = number("skip_head");
      input.keep_frames = number("return_length");
      input.stretch_to = number("return_length2");
    }
  }
  VoiceGolden(const VoiceGolden&) = delete;
  VoiceGolden& operator=(const VoiceGolden&) = delete;

  test::RvcGolden file;
  VoiceConfig config;
  std::vector<int64_t> pitch;  ///< empty for a voice without
  VoiceInput input;            ///< spans into `file`
};

/// Time-major rows as the goldens have them, channels first.
inline std::vector<float> channels_first(const float* rows, int64_t count, int64_t width) {
  std::vector<float> values;
  for (int64_t channel = 0; channel < width; ++channel) {
    for (int64_t row = 0; row < count; ++row) values.push_back(rows[row * width + channel]);
  }
  return values;
}

}  // namespace contentvec::synthesizer
