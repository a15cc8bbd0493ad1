#pragma once

#include "contentvec/audio.h"
#include "contentvec/c.h"
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

/// The model of a handle, whose other members are model.cc's business.
const Model& model_of(const contentvec_model* model);

}  // namespace contentvec::c
