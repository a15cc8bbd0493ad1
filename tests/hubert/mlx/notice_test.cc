// What is said while MLX compiles kernels, and when.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "contentvec/model.h"
#include "golden.h"
#include "hubert/mlx/kernel_cache.h"
#include "hubert/mlx/mlx_backend.h"
#include "hubert/mlx/worker_thread.h"

namespace contentvec {
namespace {

using testing::HasSubstr;

TEST(MlxNotice, IsGivenOnceFromTheCallingThreadWhenAJobIsSlow) {
  mlx::WorkerThread worker(std::chrono::milliseconds(1));
  std::promise<void> told;
  int times = 0;
  const std::thread::id caller = std::this_thread::get_id();
  worker.run([&] { told.get_future().wait(); },  // slow until somebody has been told
             [&] {
               EXPECT_EQ(std::this_thread::get_id(), caller);
               ++times;
               told.set_value();
             });
  EXPECT_EQ(times, 1);
  mlx::WorkerThread patient;
  patient.run([] {}, [&] { ++times; });
  EXPECT_EQ(times, 1);
}

TEST(MlxNotice, SaysWhereTheKernelsAreKeptAndHowToHaveThemBeforehand) {
  const std::string notice = mlx::compiling_notice(mlx::has_gpu());
  EXPECT_THAT(notice, HasSubstr("compiles its kernels for "));
  EXPECT_THAT(notice, HasSubstr(mlx::kernel_cache(mlx::has_gpu()).string()));
  EXPECT_THAT(notice, HasSubstr("contentvec warmup"));
}

TEST(MlxNotice, PreparingLeavesNothingToCompileForOneWaveformOrABatch) {
  int notices = 0;
  const Model model = Model::load(test::synthetic("tiny"),
                                  {.device = Device::kMlx, .notice = [&](const std::string&) { ++notices; }});
  model.prepare(8000);
  const int before = notices;
  const std::vector<float> waveform(8000, 0.1F);
  const std::vector<std::span<const float>> batch(3, waveform);
  EXPECT_EQ(model.extract_batch(batch)[2].data, model.extract_batch(batch)[0].data);
  EXPECT_EQ(notices, before);
}

}  // namespace
}  // namespace contentvec
