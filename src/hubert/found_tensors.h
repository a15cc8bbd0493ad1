#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "hubert/layout.h"
#include "hubert/weights.h"

namespace contentvec::hubert {

/// The model's tensors of a checkpoint by canonical name, before anybody knows whether they are all there.
struct FoundTensors {
  std::map<std::string, Weights::Entry> entries;
  std::vector<std::string> unknown;  ///< names in the file that mean nothing to the model

  [[nodiscard]] bool has(const std::string& name) const { return entries.contains(name); }
  /// Canonical shape (out, in, kernel), whatever the order in the file; empty when there is no such tensor.
  [[nodiscard]] std::vector<int64_t> shape(const std::string& name) const;
};

/// Sorts a checkpoint's tensors. Throws Error when one belongs to a model this library does not compute, or
/// when two stand for the same.
FoundTensors find_tensors(const checkpoint::Checkpoint& file, const RecognisedLayout& layout);

}  // namespace contentvec::hubert
