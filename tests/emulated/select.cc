// In the place of src/nn/kernels/select.cc: the AVX-512 and AMX kernels, whatever this CPU is.

#include "nn/kernels/select.h"

#include <cstdlib>
#include <string_view>

namespace contentvec::nn {

std::vector<const Kernels*> supported_kernels(DType dtype) {
  std::vector<const Kernels*> found;
  for (const KernelTables* tables : {avx512_kernels(), avx512bf16_kernels(), amx_kernels()}) {
    found.push_back(dtype == DType::kBF16 ? tables->bfloat16 : tables->float32);
  }
  return found;
}

const Kernels& select_kernels(DType dtype) {
  const char* wanted = std::getenv("CONTENTVEC_ISA");
  for (const Kernels* kernels : supported_kernels(dtype)) {
    if (wanted != nullptr && std::string_view(wanted) == kernels->isa) return *kernels;
  }
  return *supported_kernels(dtype).back();
}

}  // namespace contentvec::nn
