// What the MLX backend keeps: graphs by shape, the weights once, and nothing after it is gone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "contentvec/model.h"
#include "hubert/mlx/engine.h"
#include "hubert/mlx/mlx_backend.h"
#include "hubert/model_file.h"
#include "support.h"

namespace contentvec {
namespace {

std::string tiny() {
  return "synthetic:" + (test::oracle() / "configs/tiny.json").string();
}

/// The engine by itself, whose insides the public Model does not show.
class MlxGraph : public testing::Test {
 protected:
  void extract(int64_t samples, Stage stage = {}) {
    const ModelConfig& config = file_.info.config;
    const std::vector<float> waveform(static_cast<size_t>(samples), 0.25F);
    std::vector<float> features(static_cast<size_t>(
        config.frames(samples) * (stage.final_proj ? config.final_dim : config.encoder_embed_dim)));
    const Input input = {waveform, {}};
    const std::span<float> output(features);
    engine_->forward(*session_, std::span(&input, 1), std::span(&stage, 1), std::span(&output, 1));
  }

  hubert::ModelFile file_ = hubert::open_model_file(tiny(), std::nullopt);
  std::unique_ptr<mlx::Engine> engine_ = std::make_unique<mlx::Engine>(file_.weights, DType::kF32, false);
  std::unique_ptr<Backend::Session> session_ = engine_->make_session();
};

TEST_F(MlxGraph, IsBuiltOncePerShapeAndStages) {
  for (int i = 0; i < 3; ++i) extract(16000);  // 49 frames, in a bucket of 52
  EXPECT_EQ(engine_->traces(), 1);
  extract(16000 + 2 * 320);  // 51 frames: the same bucket
  EXPECT_EQ(engine_->traces(), 1);
  extract(8000);
  EXPECT_EQ(engine_->traces(), 2);
  extract(16000, {1});
  extract(16000, {1, true});
  EXPECT_EQ(engine_->traces(), 4);
  extract(16000);
  EXPECT_EQ(engine_->traces(), 4);
}

TEST_F(MlxGraph, IsLetGoWhenThereAreVeryMany) {
  extract(400);
  for (int64_t frames = 1; frames <= 16; ++frames) {
    for (const Stage& stage : {Stage{1}, Stage{2}, Stage{3}, Stage{3, true}})
      extract(400 + (frames - 1) * 320, stage);
  }
  const int64_t traces = engine_->traces();
  EXPECT_EQ(traces, 65);
  extract(400);
  EXPECT_EQ(engine_->traces(), traces + 1);
}

TEST_F(MlxGraph, WeightsAreOnTheDeviceOnceAndGoWithTheModel) {
  const auto weights = static_cast<size_t>(file_.weights.named().parameters()) * sizeof(float);
  const size_t with_one = ::mlx::core::get_active_memory();
  EXPECT_GE(with_one, weights * 9 / 10);  // the weight norm's factors are multiplied out
  extract(16000);
  extract(24000);
  EXPECT_LE(::mlx::core::get_active_memory(), with_one + weights / 10);
  session_.reset();
  engine_.reset();
  EXPECT_LE(::mlx::core::get_active_memory(), with_one - weights * 9 / 10);
  EXPECT_EQ(::mlx::core::get_cache_memory(), 0U);
}

TEST_F(MlxGraph, ErrorsOfMlxAreThisLibrarys) {
  if (mlx::has_gpu()) GTEST_SKIP() << "there is a GPU, and with it no error";
  EXPECT_THAT(test::error_of([&] { mlx::Engine(file_.weights, DType::kF32, true); }),
              testing::HasSubstr("MLX: "));
}

TEST(MlxDevices, AreListedAsTheyAre) {
  for (const DeviceInfo& device : devices()) {
    if (device.name == "mlx") {
      EXPECT_TRUE(device.available);
      EXPECT_THAT(device.description, testing::HasSubstr("MLX "));
    }
  }
  const Model model = Model::load(tiny(), {.device = Device::kMlx});
  EXPECT_EQ(model.device(), mlx::has_gpu() ? Device::kGpu : Device::kMlx);
  EXPECT_EQ(model.isa(), "");
  if (!mlx::has_gpu()) {
    EXPECT_THAT(test::error_of([] { (void)Model::load(tiny(), {.device = Device::kGpu}); }),
                testing::HasSubstr("no GPU on this machine"));
  }
  EXPECT_EQ(Model::load(tiny(), {.device = Device::kAuto}).device(),
            mlx::has_gpu() ? Device::kGpu : Device::kCpu);
}

}  // namespace
}  // namespace contentvec
