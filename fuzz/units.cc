#include "checkpoint/cluster_centres.h"
#include "fuzz/fuzz.h"

// A k-means model as joblib writes it: a pickle with arrays in between.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers(
      [&] { static_cast<void>(checkpoint::read_joblib_centres(fuzz::bytes_of(data, size))); });
}
