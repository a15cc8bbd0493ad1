#include "hubert/device.h"

#include <array>
#include <utility>

#include "hubert/mlx/mlx_backend.h"
#include "nn/kernels/select.h"
#include "runtime/fail.h"
#include "runtime/thread_team.h"

namespace contentvec {
namespace {

constexpr auto kDTypes = std::to_array<std::pair<std::string_view, DType>>(
    {{"f32", DType::kF32}, {"bf16", DType::kBF16}, {"f16", DType::kF16}, {"tf32", DType::kTF32}});
constexpr auto kDevices = std::to_array<std::pair<std::string_view, Device>>(
    {{"auto", Device::kAuto}, {"cpu", Device::kCpu}, {"mlx", Device::kMlx}, {"gpu", Device::kGpu}});

template <typename Choices>
auto choose(std::string_view what, std::string_view name, const Choices& choices) {
  std::string all;
  for (const auto& [choice, value] : choices) {
    if (name == choice) return value;
    all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", choice);
  }
  fail("{} is \"{}\"; expected one of {}", what, name, all);
}

/// Why there is no GPU.
std::string no_gpu() {
  return mlx::built() ? mlx::description() + " finds no GPU on this machine that it can use"
                      : mlx::description();
}

std::string gpu() {
  return fmt::format("{}{}{}", mlx::description(), mlx::gpu_name().empty() ? " on its GPU" : " on ",
                     mlx::gpu_name());
}

}  // namespace

DType dtype_from_name(std::string_view name) {
  return choose("dtype", name, kDTypes);
}

Device device_from_name(std::string_view name) {
  return choose("device", name, kDevices);
}

std::string_view device_name(Device device) {
  for (const auto& [name, named] : kDevices) {
    if (named == device) return name;
  }
  return "";
}

Device settle_device(Device device) {
  switch (device) {
    case Device::kAuto:
      return mlx::has_gpu() ? Device::kGpu : Device::kCpu;
    case Device::kMlx:
      if (!mlx::built()) fail("the device \"mlx\" is not to be had: {}", mlx::description());
      return mlx::has_gpu() ? Device::kGpu : Device::kMlx;
    case Device::kGpu:
      if (!mlx::has_gpu()) fail("the device \"gpu\" is not to be had: {}", no_gpu());
      return Device::kGpu;
    case Device::kCpu:
      break;
  }
  return Device::kCpu;
}

void check_dtype(DType dtype, Device device) {
  if (device == Device::kCpu) {
    nn::select_kernels(dtype);
  } else if (dtype == DType::kTF32 && !(device == Device::kGpu && mlx::has_cuda())) {
    fail("the dtype \"tf32\" is for MLX on an NVIDIA GPU (CUDA), and this is {}; choose f32, bf16 or f16",
         device == Device::kGpu ? gpu() : mlx::description() + " on its CPU kernels");
  }
}

std::vector<DeviceInfo> devices() {
  const bool has_gpu = mlx::has_gpu();
  return {
      {"auto", true, has_gpu ? "is gpu here" : "is cpu here"},
      {"cpu", true,
       fmt::format("contentvec's own kernels: {} for f32 and {} for bf16, on {} CPUs",
                   nn::select_kernels(DType::kF32).isa, nn::select_kernels(DType::kBF16).isa, usable_cpus())},
      {"mlx", mlx::built(),
       has_gpu ? gpu() : mlx::description() + (mlx::built() ? " on its CPU kernels" : "")},
      {"gpu", has_gpu, has_gpu ? gpu() : no_gpu()},
  };
}

}  // namespace contentvec
