#include "output/npy.h"

#include "fuzz/fuzz.h"

// NumPy's .npy, the header alone and all of it.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto& path = fuzz::file_of(data, size);
  fuzz::answers([&] { output::read_npy_header(path); });
  return fuzz::answers([&] { output::read_npy(path); });
}
