#include <memory>
#include <vector>

#include "checkpoint/torch_legacy.h"
#include "fuzz/fuzz.h"

// What torch.save wrote before 1.6: five pickles and the storages behind them.

using namespace contentvec;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return fuzz::answers([&] {
    const auto file = std::make_shared<const InputFile>(fuzz::file_of(data, size));
    const checkpoint::Checkpoint opened = checkpoint::read_torch_legacy(file);
    for (const auto& entry : opened.tensors) {
      const checkpoint::Tensor& tensor = entry.second;
      if (!checkpoint::is_floating(tensor.type)) continue;
      std::vector<float> values(static_cast<size_t>(tensor.count()));
      fuzz::answers([&] { tensor.copy_to(values); });
    }
  });
}
