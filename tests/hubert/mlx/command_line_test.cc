// --device and `info --devices`, in a build with MLX and in one without.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/process.h"
#include "golden.h"
#include "support.h"

namespace contentvec::test {
namespace {

using testing::HasSubstr;

bool available(const std::string& name) {
  for (const DeviceInfo& device : devices()) {
    if (device.name == name) return device.available;
  }
  return false;
}

class DeviceTest : public testing::Test {
 protected:
  DeviceTest() { write_wav(folder_ / "noise.wav", noise(8000)); }

  Result extract(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"extract", "noise.wav", "--model", tiny_model().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, {.folder = folder_.path()});
  }

  TemporaryFolder folder_;
};

TEST_F(DeviceTest, AreListedForPeopleAndAsJson) {
  const Result text = run({"info", "--devices"});
  ASSERT_EQ(text.code, 0) << text.err;
  const std::vector<std::string> lines = lines_of(text.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[1], testing::StartsWith("cpu   yes  contentvec's own kernels"));
  const Result json = run({"info", "--devices", "--json"});
  const auto list = nlohmann::json::parse(json.out);
  ASSERT_EQ(list.size(), 4U);
  for (const auto& device : list) {
    EXPECT_EQ(device["available"], available(device["name"])) << device;
    EXPECT_FALSE(device["description"].get<std::string>().empty());
  }
}

TEST_F(DeviceTest, InfoTakesACheckpointOrTheDevices) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"info"}, {"info", "--devices", tiny_model().string()}}) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2);
    EXPECT_THAT(result.err, HasSubstr("--devices"));
  }
}

TEST_F(DeviceTest, AnUnknownOneIsAWrongUsage) {
  const Result result = extract({"--device", "cuda"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("mlx"));
}

TEST_F(DeviceTest, OneThatIsNotToBeHadIsAnErrorThatSaysWhy) {
  for (const std::string name : {"mlx", "gpu"}) {
    if (available(name)) continue;
    const Result result = extract({"--device", name});
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("the device \"" + name + "\" is not to be had"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "noise.npy"));
  }
}

TEST_F(DeviceTest, Float16IsNotForTheCpu) {
  const Result on_cpu = extract({"--dtype", "f16"});
  EXPECT_EQ(on_cpu.code, 2);
  EXPECT_THAT(on_cpu.err, HasSubstr("--device mlx"));
  const Result tf32 = extract({"--dtype", "tf32"});
  EXPECT_EQ(tf32.code, 2);
  EXPECT_THAT(tf32.err, HasSubstr("CUDA"));
  if (available("gpu")) return;  // which "auto" may be
  const Result by_itself = extract({"--dtype", "f16", "--device", "auto"});
  EXPECT_EQ(by_itself.code, 1);
  EXPECT_THAT(by_itself.err, HasSubstr("float16"));
}

TEST_F(DeviceTest, MlxWritesTheSameFeaturesButForRounding) {
  if (!available("mlx")) GTEST_SKIP() << "this build has no MLX";
  ASSERT_EQ(extract({"--out", "cpu.npy"}).code, 0);
  const std::vector<float> expected = read_npy(folder_ / "cpu.npy").values;
  for (const auto& [dtype, bound] :
       {std::pair("f32", 5e-5), std::pair("f16", 2e-2), std::pair("bf16", 2e-1)}) {
    const Result result = extract({"--device", "mlx", "--dtype", dtype, "--out", "mlx.npy"});
    ASSERT_EQ(result.code, 0) << result.err;
    const std::vector<float> found = read_npy(folder_ / "mlx.npy").values;
    EXPECT_NE(found, expected) << dtype;
    EXPECT_LE(max_abs_error(found, expected), bound) << dtype;
  }
}

TEST_F(DeviceTest, WarmupPreparesAModelOrSaysWhyThereIsNoneToPrepare) {
  const Result on_cpu = run({"warmup", "--device", "cpu", "--model", tiny_model().string()});
  EXPECT_EQ(on_cpu.code, 0) << on_cpu.err;
  EXPECT_THAT(on_cpu.out, testing::StartsWith("cpu, f32: ready after "));
  if (available("gpu")) return;
  const Result on_gpu = run({"warmup", "--model", tiny_model().string()});
  EXPECT_EQ(on_gpu.code, 1);
  EXPECT_THAT(on_gpu.err, HasSubstr("the device \"gpu\" is not to be had"));
}

TEST_F(DeviceTest, CommandsOfTheCpuSayThatTheyAre) {
  const std::vector<std::vector<std::string>> commands = {
      {"pitch", "noise.wav", "--device", "gpu"},
      {"live", "--voice", "none.pth", "--input", "noise.wav", "--output", "out.wav", "--device", "gpu"}};
  for (const std::vector<std::string>& command : commands) {
    const Result result = run(command, {.folder = folder_.path()});
    EXPECT_EQ(result.code, 2) << command.front();
    EXPECT_THAT(result.err, HasSubstr("runs on the CPU")) << command.front();
  }
}

TEST_F(DeviceTest, BenchOnMlxHasNoPeakToCompareWith) {
  if (!available("mlx")) GTEST_SKIP() << "this build has no MLX";
  const Result result = run({"bench", "--model", tiny_model().string(), "--device", "mlx", "--seconds", "0.5",
                             "--runs", "1", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto object = nlohmann::json::parse(result.out);
  EXPECT_TRUE(object["peak_gflops"].is_null());
  EXPECT_EQ(object["device"], available("gpu") ? "gpu" : "mlx");
  EXPECT_TRUE(object["isa"].is_null());
}

}  // namespace
}  // namespace contentvec::test
