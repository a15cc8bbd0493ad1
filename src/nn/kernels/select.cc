#include "nn/kernels/select.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/fail.h"

namespace contentvec::nn {
namespace {

// src/nn/CMakeLists.txt says what each instruction set needs, as CPU_HAS(one)CPU_HAS(other). GCC's and
// Clang's check covers the operating system's support of the wide registers too.
#define CPU_HAS(feature) &&__builtin_cpu_supports(#feature)

#if defined(CONTENTVEC_AMX)
/// Whether this CPU has AMX for bfloat16 and the system lets this process use it. Linux wants to be asked,
/// once: a thread that uses the tiles has 8 KiB more to be saved. It refuses in some sandboxes.
bool amx_permitted() {
#if defined(__linux__)
  constexpr unsigned kBfloat16 = 1U << 22;
  constexpr unsigned kTile = 1U << 24;
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned features = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &features) == 0) return false;
  if ((features & kBfloat16) == 0 || (features & kTile) == 0) return false;
  static const bool permitted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return permitted;
#else
  return false;
#endif
}
#endif

bool cpu_runs(std::string_view isa) {
#if defined(CONTENTVEC_AVX2)
  if (isa == "avx2") return true CONTENTVEC_AVX2;
  if (isa == "avx512") return true CONTENTVEC_AVX512;
  if (isa == "avx512bf16") return true CONTENTVEC_AVX512BF16;
  if (isa == "amx") return amx_permitted() CONTENTVEC_AMX;
#elif defined(__aarch64__)
  if (isa == "neon") return true;  // part of the base instruction set
#endif
  return isa == "scalar";
}

/// Whether bfloat16 weights are faster widened to float32 than multiplied by AVX-512-BF16's instruction:
/// Intel's CPUs take it at half the rate of float32's (measured: 1.5 times as long a pass), AMD's at the full
/// one.
bool widening_is_faster() {
#if defined(__x86_64__)
  return __builtin_cpu_is("intel") != 0;
#else
  return false;
#endif
}

}  // namespace

std::vector<const Kernels*> supported_kernels(DType dtype) {
  const KernelTables* slower = avx512_kernels();
  const KernelTables* faster = avx512bf16_kernels();
  if (dtype == DType::kBF16 && widening_is_faster()) std::swap(slower, faster);
  std::vector<const Kernels*> found;
  for (const KernelTables* tables :
       {scalar_kernels(), neon_kernels(), avx2_kernels(), slower, faster, amx_kernels()}) {
    if (tables == nullptr || !cpu_runs(tables->float32->isa)) continue;
    found.push_back(dtype == DType::kBF16 ? tables->bfloat16 : tables->float32);
  }
  return found;
}

const Kernels& select_kernels(DType dtype) {
  if (dtype == DType::kF16 || dtype == DType::kTF32) {
    fail("the CPU computes in float32 or bfloat16, {} was asked for; choose f32 or bf16",
         dtype == DType::kF16 ? "float16" : "TF32");
  }
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

}  // namespace contentvec::nn
