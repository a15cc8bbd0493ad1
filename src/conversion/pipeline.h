#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "contentvec/converter.h"
#include "conversion/pieces.h"

namespace contentvec::conversion {

/// What tests need to hold each step to the reference's.
struct Seams {
  CutRule cuts = {};
  /// Sees what a step gives, by the goldens' name for it; `piece` is -1 where it is of the whole.
  std::function<void(int64_t piece, std::string_view stage, std::span<const float> values)> observe = {};
  /// Noise in place of the seed's.
  struct Noise {
    std::vector<float> latent;
    std::vector<float> source;
  };
  std::function<Noise(int64_t piece)> noise = {};
  /// The pitch of the padded recording in place of the estimator's; empty: its own.
  std::vector<float> f0 = {};
};

/// What Converter is, with its seams.
class Pipeline {
 public:
  /// Throws Error where the parts do not fit.
  Pipeline(Model model, std::optional<PitchEstimator> estimator, Voice voice,
           std::optional<Retriever> retriever);

  [[nodiscard]] const Voice& voice() const { return voice_; }
  [[nodiscard]] Converted convert(std::span<const float> waveform, int rate, const ConvertOptions& options,
                                  const Seams& seams = {}) const;
  [[nodiscard]] Pitch estimate_pitch(std::span<const float> waveform, int rate,
                                     const ConvertOptions& options) const;

 private:
  class Run;
  Model model_;
  std::optional<PitchEstimator> estimator_;
  Voice voice_;
  std::optional<Retriever> retriever_;
};

}  // namespace contentvec::conversion
