#pragma once

#include <optional>

#include "contentvec/audio.h"
#include "contentvec/c.h"
#include "contentvec/converter.h"
#include "contentvec/pitch.h"
#include "contentvec/retriever.h"
#include "contentvec/voice.h"

// What the opaque handles are that more than one file of this folder opens.

struct contentvec_pitch {
  contentvec::PitchEstimator estimator;
};

struct contentvec_voice {
  contentvec::Voice voice;
};

struct contentvec_index {
  contentvec::Retriever retriever;
};

struct contentvec_audio {
  contentvec::Audio audio;
  int rate = contentvec::kSampleRate;  ///< of audio.waveform
};

namespace contentvec::c {

/// What may be left out.
inline std::optional<PitchEstimator> estimator_of(const contentvec_pitch* pitch) {
  return pitch == nullptr ? std::nullopt : std::optional(pitch->estimator);
}
inline std::optional<Retriever> retriever_of(const contentvec_index* index) {
  return index == nullptr ? std::nullopt : std::optional(index->retriever);
}

/// Throws InvalidArgument for a number that is none.
Unvoiced unvoiced_of(contentvec_unvoiced unvoiced);

/// The model of a handle, whose other members are model.cc's business.
const Model& model_of(const contentvec_model* model);

}  // namespace contentvec::c
