#include "contentvec/model.h"
#include "fuzz/fuzz.h"

// A file as a model: its layout, its architecture, its tensors against the table.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] { inspect(fuzz::file_of(data, size).string()); });
}
