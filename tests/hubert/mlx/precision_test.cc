// What --dtype means on MLX, whatever the environment says. TF32 itself needs a GPU: types of as few bits stand in.

#include "hubert/mlx/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "contentvec/model.h"
#include "golden.h"
#include "hubert/mlx/mlx_backend.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(MlxPrecision, AProductTellsWhetherItsSidesKeepFloat32) {
  const mlx::mx::Stream stream = mlx::mx::new_stream(mlx::mx::Device::cpu);
  EXPECT_TRUE(mlx::keeps_float32(mlx::mx::float32, stream));
  EXPECT_FALSE(mlx::keeps_float32(mlx::mx::float16, stream));  // eleven bits, as TF32
  EXPECT_FALSE(mlx::keeps_float32(mlx::mx::bfloat16, stream));
}

TEST(MlxPrecision, TheEnvironmentDoesNotSayWhatFloat32Is) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    ::setenv("MLX_ENABLE_TF32", "1", 1);
    (void)Model::load(test::synthetic("tiny"), {.dtype = dtype, .device = Device::kMlx});
    EXPECT_STREQ(std::getenv("MLX_ENABLE_TF32"), "0");
  }
}

TEST(MlxPrecision, Tf32IsForCudaAlone) {
  const auto load = [](Device device) {
    return test::error_of(
        [&] { (void)Model::load("no such file", {.dtype = DType::kTF32, .device = device}); });
  };
  EXPECT_THAT(load(Device::kCpu), AllOf(HasSubstr("TF32 was asked for"), HasSubstr("choose f32 or bf16")));
  if (mlx::has_cuda()) return;
  EXPECT_THAT(load(Device::kMlx), AllOf(HasSubstr("NVIDIA GPU"), HasSubstr("choose f32, bf16 or f16")));
}

TEST(MlxPrecision, AStreamThatCannotHaveTf32SaysWhy) {
  EXPECT_THAT(test::error_of([] { (void)mlx::precise_stream(mlx::mx::Device::cpu, DType::kTF32); }),
              AllOf(HasSubstr("\"tf32\" is not to be had"), HasSubstr("load this one first")));
  EXPECT_STREQ(std::getenv("MLX_ENABLE_TF32"), "1");
}

}  // namespace
}  // namespace contentvec
