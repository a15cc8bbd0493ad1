#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contentvec/model.h"
#include "contentvec/performance.h"
#include "support.h"

namespace contentvec {
namespace {

using test::error_of;
using testing::HasSubstr;

TEST(MeasureCpuPeak, IsOfAProcessor) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const CpuPeak peak = measure_cpu_peak(dtype, 1);
    EXPECT_GE(peak.best, peak.median);
    EXPECT_GT(peak.median, 1e6);  // operations a second, of any machine, emulated or sanitized
    EXPECT_LT(peak.best, 1e15);
  }
  EXPECT_GT(measure_cpu_peak(DType::kF32).best, 1e6);
}

TEST(MeasureCpuPeak, RefusesWhatTheCpuCannotDo) {
  EXPECT_THAT(error_of([] { static_cast<void>(measure_cpu_peak(DType::kF16, 1)); }), HasSubstr("float16"));
  for (const int threads : {-1, kMaxThreads + 1}) {
    EXPECT_THAT(error_of([&] { static_cast<void>(measure_cpu_peak(DType::kF32, threads)); }),
                HasSubstr("expected 0 (one per usable CPU) or 1 to 1024"));
  }
}

}  // namespace
}  // namespace contentvec
