#include "cpu/kernels/select.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/fail.h"

namespace contentvec::cpu {
namespace {

bool cpu_runs(std::string_view isa) {
#if defined(__x86_64__)
  // GCC's and Clang's check covers the operating system's support of the wide registers too.
  if (isa == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == "avx512") {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
#elif defined(__aarch64__)
  if (isa == "neon") return true;  // part of the base instruction set
#endif
  return isa == "scalar";
}

}  // namespace

std::vector<const Kernels*> supported_kernels() {
  std::vector<const Kernels*> found;
  for (const Kernels* kernels : {scalar_kernels(), neon_kernels(), avx2_kernels(), avx512_kernels()}) {
    if (kernels != nullptr && cpu_runs(kernels->isa)) found.push_back(kernels);
  }
  return found;
}

const Kernels& select_kernels() {
  const std::vector<const Kernels*> supported = supported_kernels();
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
