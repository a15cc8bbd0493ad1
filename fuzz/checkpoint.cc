#include "checkpoint/checkpoint.h"

#include <vector>

#include "fuzz/fuzz.h"

// A checkpoint of any container: safetensors, torch's zip, torch's old format, and all tensors in it.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] {
    const checkpoint::Checkpoint file = checkpoint::open(fuzz::file_of(data, size));
    for (const auto& entry : file.tensors) {
      const checkpoint::Tensor& tensor = entry.second;
      if (!checkpoint::is_floating(tensor.type)) continue;
      std::vector<float> values(static_cast<size_t>(tensor.count()));
      fuzz::answers([&] { tensor.copy_to(values); });
    }
  });
}
