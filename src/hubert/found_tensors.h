#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "hubert/layout.h"
#include "tensors/named_tensors.h"

namespace contentvec::hubert {

/// The model's tensors of a checkpoint by canonical name, in the canonical order of axes (out, in, kernel)
/// whatever that of the file, before anybody knows whether they are all there.
struct FoundTensors {
  tensors::NamedTensors tensors;
  std::vector<std::string> unknown;  ///< names in the file that mean nothing to the model

  [[nodiscard]] bool has(const std::string& name) const { return tensors.has(name); }
  [[nodiscard]] std::vector<int64_t> shape(const std::string& name) const { return tensors.shape(name); }
};

/// Sorts a checkpoint's tensors. Throws Error when one belongs to a model this library does not compute, or
/// when two stand for the same.
FoundTensors find_tensors(const checkpoint::Checkpoint& file, const RecognisedLayout& layout);

}  // namespace contentvec::hubert
