#include "contentvec/pitch.h"

#include <array>

#include "fuzz/fuzz.h"

// A file as a pitch estimator: its tensors against the table, and where they fit it a short sound through them.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] {
    const auto estimator = PitchEstimator::load(fuzz::file_of(data, size).string(), {.threads = 1});
    constexpr std::array<float, 800> kSound = {0.5F, -0.5F};
    static_cast<void>(estimator.estimate(kSound));
  });
}
