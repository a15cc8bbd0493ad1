#pragma once

#include <map>
#include <string>
#include <vector>

#include "golden.h"
#include "nn/kernels/select.h"
#include "support.h"
#include "tensors/synthetic.h"

namespace contentvec::test {

/// Made-up tensors of seed 0, as the oracle's goldens were made with.
inline tensors::NamedTensors made_up(const std::vector<tensors::Synthetic>& table) {
  tensors::NamedTensors made;
  for (const tensors::Synthetic& synthetic : table)
    made.add(synthetic.tensor.name, synthetic.as_tensor("synthetic", 0));
  return made;
}

/// The same as values, for a file of them.
inline std::map<std::string, Reference> references(const std::vector<tensors::Synthetic>& table) {
  std::map<std::string, Reference> all;
  const tensors::NamedTensors made = made_up(table);
  for (const auto& [name, tensor] : made.all()) all[name] = {tensor.shape, read(tensor)};
  return all;
}

inline std::string isa_name(const nn::Kernels* kernels) {
  return kernels->isa;
}

}  // namespace contentvec::test
