#include "fuzz/fuzz.h"
#include "retrieval/index_file.h"

// What an index file must hold before FAISS reads it.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] { retrieval::check_index_file(fuzz::bytes_of(data, size), "fuzz"); });
}
