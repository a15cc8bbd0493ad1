#include "contentvec/voice.h"
#include "fuzz/fuzz.h"

// A file as a voice: what it says of itself, what its tensors say, and these against the table.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  VoiceLoadOptions options;
  if (size % 2 == 1) options.sample_rate = 16000;  // what is missing at a training checkpoint's
  return fuzz::answers([&] { inspect_voice(fuzz::file_of(data, size).string(), options); });
}
