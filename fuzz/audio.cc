#include "contentvec/audio.h"
#include "fuzz/fuzz.h"

// A sound file: our look at its container, then libsndfile, then the resampler.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] { read_audio(fuzz::bytes_of(data, size), "fuzz"); });
}
