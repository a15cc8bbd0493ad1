#pragma once

/// The whole library in one header: audio in, content features out. Every header beside it can also be
/// included by itself; contentvec/c.h is the same for C.
///
///   auto model    = contentvec::Model::load("hubert_base.pt");
///   auto waveform = contentvec::load_audio("input.wav");   // 16 kHz mono
///   auto features = model.extract(waveform);               // [frames, 768]

#include "contentvec/audio.h"
#include "contentvec/config.h"
#include "contentvec/converter.h"
#include "contentvec/device.h"
#include "contentvec/error.h"
#include "contentvec/feature_file.h"
#include "contentvec/feature_stream.h"
#include "contentvec/hub.h"
#include "contentvec/long_audio.h"
#include "contentvec/model.h"
#include "contentvec/performance.h"
#include "contentvec/pitch.h"
#include "contentvec/retriever.h"
#include "contentvec/spectrum.h"
#include "contentvec/stream.h"
#include "contentvec/threads.h"
#include "contentvec/unfinished_files.h"
#include "contentvec/units.h"
#include "contentvec/version.h"
#include "contentvec/voice.h"
