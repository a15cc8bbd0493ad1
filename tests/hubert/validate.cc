// contentvec-validate [--all] [DEVICE]: the tables of docs/validation.md, measured on this build, machine and
// device (default: cpu). One line per golden file with its worst stage (--all: every stage): our largest
// absolute error against the float64 reference, the reference's own float32 error, and the bound. Exits 1
// when a bound is broken.

#include <fmt/format.h>

#include <exception>
#include <span>
#include <string_view>

#include "contentvec/contentvec.h"
#include "golden.h"

namespace contentvec {
namespace {

struct Line {
  std::string stage;
  double error = 0;
  double reference_error = 0;
  double tolerance = 0;
  [[nodiscard]] double share() const { return error / tolerance; }
};

std::vector<Line> measure(const test::Golden& golden, Device device) {
  const Model model = Model::load(golden.spec(), {.device = device});
  std::vector<Stage> stages;
  for (const auto& [name, reference] : golden.stages) stages.push_back(golden.stage_of(name, model.config()));
  const std::vector<Features> results =
      model.extract_stages(golden.waveform, stages, test::golden_options(golden));
  std::vector<Line> lines;
  for (const auto& [name, reference] : golden.stages) {
    lines.push_back({name, test::max_abs_error(results[lines.size()].data, reference.values),
                     golden.float32_max_abs_error.at(name), golden.tolerance(name)});
  }
  return lines;
}

/// The instruction set, or the device of MLX.
std::string computes_with(Device device, DType dtype) {
  const Model model = Model::load(test::read_golden("tiny.400").spec(), {.dtype = dtype, .device = device});
  return model.device() == Device::kCpu ? model.isa() : std::string(device_name(model.device()));
}

int print_float32(Device device, bool all) {
  fmt::print("Largest absolute error against the float64 reference ({})\n",
             computes_with(device, DType::kF32));
  fmt::print("{:<18} {:<11} {:>9} {:>15} {:>9}\n", "golden file", all ? "stage" : "worst stage", "ours",
             "PyTorch float32", "bound");
  int stages = 0;
  int broken = 0;
  int better = 0;
  for (const std::string& name : test::golden_names()) {
    const std::vector<Line> lines = measure(test::read_golden(name), device);
    const Line* worst = &lines.front();
    for (const Line& line : lines) {
      ++stages;
      broken += line.error <= line.tolerance ? 0 : 1;
      better += line.error <= line.reference_error ? 1 : 0;
      if (!(line.share() <= worst->share())) worst = &line;
    }
    for (const Line& line : lines) {
      if (!all && &line != worst) continue;
      fmt::print("{:<18} {:<11} {:>9.1e} {:>15.1e} {:>9.1e}{}\n", name, line.stage, line.error,
                 line.reference_error, line.tolerance, line.error <= line.tolerance ? "" : "  BROKEN");
    }
  }
  fmt::print("{} stages, {} as close as PyTorch's float32 or closer, {} beyond the bound\n", stages, better,
             broken);
  return broken == 0 ? 0 : 1;
}

/// Weights of 16 bits on the base model's output, beside float32's.
void print_narrow(Device device, DType dtype, std::string_view dtype_name) {
  fmt::print("\nBase's output with --dtype {} ({})\n", dtype_name, computes_with(device, dtype));
  fmt::print("{:<12} {:>10} {:>10} {:>13} {:>13}\n", "golden file", "f32 error",
             fmt::format("{} error", dtype_name), "lowest cosine", "mean cosine");
  for (const std::string& name : test::golden_names()) {
    if (!name.starts_with("base.")) continue;
    const test::Golden golden = test::read_golden(name);
    const std::vector<float>& reference = golden.stages.at("features").values;
    const auto extract = [&](DType type) {
      return Model::load(golden.spec(), {.dtype = type, .device = device})
          .extract(golden.waveform, test::golden_options(golden));
    };
    const Features narrow = extract(dtype);
    const test::Cosines cosines = test::frame_cosines(narrow, reference);
    fmt::print("{:<12} {:>10.1e} {:>10.1e} {:>13.7f} {:>13.7f}\n", name,
               test::max_abs_error(extract(DType::kF32).data, reference),
               test::max_abs_error(narrow.data, reference), cosines.lowest, cosines.mean);
  }
}

int run(std::span<char*> arguments) {
  bool all = false;
  Device device = Device::kCpu;
  for (const std::string_view argument : arguments) {
    if (argument == "--all") {
      all = true;
    } else {
      device = device_from_name(argument);
    }
  }
  const int code = print_float32(device, all);
  print_narrow(device, DType::kBF16, "bf16");
  if (device != Device::kCpu) print_narrow(device, DType::kF16, "f16");
  return code;
}

}  // namespace
}  // namespace contentvec

int main(int argc, char** argv) {
  try {
    return contentvec::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "contentvec-validate: {}\n", error.what());
    return 1;
  }
}
