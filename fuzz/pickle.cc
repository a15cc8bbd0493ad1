#include "checkpoint/pickle_json.h"
#include "checkpoint/unpickler.h"
#include "fuzz/fuzz.h"

// The restricted unpickler, and what becomes of its values.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] {
    const auto values = checkpoint::pickle::unpickle(fuzz::bytes_of(data, size));
    static_cast<void>(checkpoint::pickle::to_json(values, values.root));
  });
}
