#include "cpu/kernels/select.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/fail.h"

namespace contentvec::cpu {
namespace {

// src/cpu/CMakeLists.txt says what each instruction set needs, as CPU_HAS(one)CPU_HAS(other). GCC's and
// Clang's check covers the operating system's support of the wide registers too.
#define CPU_HAS(feature) &&__builtin_cpu_supports(#feature)

bool cpu_runs(std::string_view isa) {
#if defined(CONTENTVEC_AVX2)
  if (isa == "avx2") return true CONTENTVEC_AVX2;
  if (isa == "avx512") return true CONTENTVEC_AVX512;
  if (isa == "avx512bf16") return true CONTENTVEC_AVX512BF16;
#elif defined(__aarch64__)
  if (isa == "neon") return true;  // part of the base instruction set
#endif
  return isa == "scalar";
}

}  // namespace

std::vector<const Kernels*> supported_kernels(DType dtype) {
  std::vector<const Kernels*> found;
  for (const KernelTables* tables :
       {scalar_kernels(), neon_kernels(), avx2_kernels(), avx512_kernels(), avx512bf16_kernels()}) {
    if (tables == nullptr || !cpu_runs(tables->float32->isa)) continue;
    found.push_back(dtype == DType::kBF16 ? tables->bfloat16 : tables->float32);
  }
  return found;
}

const Kernels& select_kernels(DType dtype) {
  if (dtype == DType::kF16)
    fail("the CPU computes in float32 or bfloat16, float16 was asked for; choose f32 or bf16");
  const std::vector<const Kernels*> supported = supported_kernels(dtype);
  const char* wanted = std::getenv("CONTENTVEC_ISA");
  if (wanted == nullptr || *wanted == '\0') return *supported.back();
  std::string names;
  for (const Kernels* kernels : supported) {
    if (std::string_view(wanted) == kernels->isa) return *kernels;
    names += names.empty() ? kernels->isa : std::string(", ") + kernels->isa;
  }
  fail("CONTENTVEC_ISA is '{}', but this build on this CPU supports {}; set it to one of these or unset it",
       wanted, names);
}

}  // namespace contentvec::cpu
