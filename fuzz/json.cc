#include "checkpoint/json_text.h"
#include "fuzz/fuzz.h"

// JSON text, as the header of safetensors, a configuration, an index of shards and the hub's listing have it.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] { static_cast<void>(checkpoint::parse_json(fuzz::text_of(data, size))); });
}
