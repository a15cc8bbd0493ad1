// contentvec-validate [--all]: the table of docs/validation.md, measured on this build and machine. One line
// per golden file with its worst stage (--all: every stage): our largest absolute error against the float64
// reference, the reference's own float32 error, and the bound. Exits 1 when a bound is broken.

#include <fmt/format.h>

#include <cstring>
#include <exception>

#include "contentvec/contentvec.h"
#include "cpu/kernels/select.h"
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

std::vector<Line> measure(const test::Golden& golden) {
  const Model model = Model::load(golden.spec());
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

int run(bool all) {
  fmt::print("Largest absolute error against the float64 reference ({} kernels)\n",
             cpu::select_kernels(DType::kF32).isa);
  fmt::print("{:<18} {:<11} {:>9} {:>15} {:>9}\n", "golden file", all ? "stage" : "worst stage", "ours",
             "PyTorch float32", "bound");
  int stages = 0;
  int broken = 0;
  int better = 0;
  for (const std::string& name : test::golden_names()) {
    const std::vector<Line> lines = measure(test::read_golden(name));
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

/// bfloat16 weights on the base model's output, beside float32's.
void print_bfloat16() {
  fmt::print("\nBase's output with --dtype bf16 ({} kernels)\n", cpu::select_kernels(DType::kBF16).isa);
  fmt::print("{:<12} {:>10} {:>10} {:>13} {:>13}\n", "golden file", "f32 error", "bf16 error",
             "lowest cosine", "mean cosine");
  for (const std::string& name : test::golden_names()) {
    if (!name.starts_with("base.")) continue;
    const test::Golden golden = test::read_golden(name);
    const std::vector<float>& reference = golden.stages.at("features").values;
    const auto extract = [&](DType dtype) {
      return Model::load(golden.spec(), {.dtype = dtype})
          .extract(golden.waveform, test::golden_options(golden));
    };
    const Features narrow = extract(DType::kBF16);
    const test::Cosines cosines = test::frame_cosines(narrow, reference);
    fmt::print("{:<12} {:>10.1e} {:>10.1e} {:>13.7f} {:>13.7f}\n", name,
               test::max_abs_error(extract(DType::kF32).data, reference),
               test::max_abs_error(narrow.data, reference), cosines.lowest, cosines.mean);
  }
}

}  // namespace
}  // namespace contentvec

int main(int argc, char** argv) {
  try {
    const int code = contentvec::run(argc > 1 && std::strcmp(argv[1], "--all") == 0);
    contentvec::print_bfloat16();
    return code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "contentvec-validate: {}\n", error.what());
    return 1;
  }
}
