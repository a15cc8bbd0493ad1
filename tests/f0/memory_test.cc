// What an estimate takes in memory beside the weights.

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "contentvec/pitch.h"
#include "f0/estimator.h"
#include "golden.h"

namespace contentvec {
namespace {

/// Of this process, as Linux tells it.
double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0;
  double resident = 0;
  statm >> all >> resident;
  return resident * 4096 / 1e6;
}

TEST(PitchMemory, TenSecondsTakeLittleBesideTheWeights) {
#if defined(CONTENTVEC_SANITIZED) || !defined(__linux__)
  GTEST_SKIP() << "a sanitizer keeps what is freed; only Linux has /proc";
#endif
  const std::vector<float> waveform = test::sweep(160000);
  for (const auto& [config, most] : {std::pair("base-rmvpe", 60.0), std::pair("base-fcpe", 30.0)}) {
    const PitchEstimator estimator = PitchEstimator::load(
        "synthetic:" + (test::oracle_rvc() / "configs" / config).string() + ".json", {.threads = 2});
    const double before = resident_megabytes();
    static_cast<void>(estimator.estimate(waveform));
    EXPECT_LT(resident_megabytes() - before, most) << config;
  }
}

/// A tiny model, whose layers take little: what grows with the recording would be seen.
TEST(PitchMemory, ALongRecordingTakesThatOfAPiece) {
#if defined(CONTENTVEC_SANITIZED) || !defined(__linux__)
  GTEST_SKIP() << "a sanitizer keeps what is freed; only Linux has /proc";
#endif
  const std::vector<float> ten_minutes = test::sweep(size_t{600} * 16000);
  for (const char* config : {"tiny-rmvpe", "tiny-fcpe"}) {
    const PitchEstimator estimator = PitchEstimator::load(
        "synthetic:" + (test::oracle_rvc() / "configs" / config).string() + ".json", {.threads = 2});
    const double before = resident_megabytes();
    const Pitch pitch = estimator.estimate(ten_minutes);
    EXPECT_EQ(pitch.f0.size(), 60001U);
    EXPECT_LT(resident_megabytes() - before, 40) << config;
  }
}

}  // namespace
}  // namespace contentvec
