// A build without MLX: it says so, and how to get it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contentvec/model.h"
#include "support.h"

namespace contentvec {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(MlxAbsent, LoadingOnItNamesTheBuildOptionBeforeAFileIsRead) {
  for (const Device device : {Device::kMlx, Device::kGpu}) {
    EXPECT_THAT(test::error_of([&] { (void)Model::load("no such file", {.device = device}); }),
                AllOf(HasSubstr("not to be had"), HasSubstr("-DCONTENTVEC_MLX=ON")));
  }
}

TEST(MlxAbsent, AutoIsTheCpu) {
  const Model model =
      Model::load("synthetic:" + (test::oracle() / "configs/tiny.json").string(), {.device = Device::kAuto});
  EXPECT_EQ(model.device(), Device::kCpu);
  EXPECT_NE(model.isa(), "");
}

TEST(MlxAbsent, TheListOfDevicesSaysWhatIsMissing) {
  for (const DeviceInfo& device : devices()) {
    const bool on_cpu = device.name == "auto" || device.name == "cpu";
    EXPECT_EQ(device.available, on_cpu) << device.name;
    EXPECT_EQ(device.description.find("-DCONTENTVEC_MLX=ON") == std::string::npos, on_cpu)
        << device.description;
  }
}

}  // namespace
}  // namespace contentvec
