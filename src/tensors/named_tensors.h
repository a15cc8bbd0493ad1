#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tensor.h"

namespace contentvec::tensors {

/// One tensor that a model needs.
struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
};

/// Tensors by the names a model knows them under, each a view in the axis order it expects. Values are read
/// from the checkpoint when asked for and not kept, so that a caller which packs them as it goes holds
/// little.
class NamedTensors {
 public:
  NamedTensors() = default;
  explicit NamedTensors(std::map<std::string, checkpoint::Tensor> tensors);

  /// Adds one; returns null, or where there is one of this name already that one, and changes nothing.
  const checkpoint::Tensor* add(const std::string& name, checkpoint::Tensor tensor);
  void erase(const std::string& name) { tensors_.erase(name); }

  [[nodiscard]] const std::map<std::string, checkpoint::Tensor>& all() const { return tensors_; }
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.contains(name); }
  /// Empty when there is no such tensor.
  [[nodiscard]] std::vector<int64_t> shape(const std::string& name) const;
  /// Elements of all tensors.
  [[nodiscard]] int64_t parameters() const;

  /// Values in C order. Throws Error when the tensor is damaged or holds a non-finite value.
  [[nodiscard]] std::vector<float> read(const std::string& name) const;
  /// The same into memory of the caller's, which must hold exactly as many.
  void read_into(const std::string& name, std::span<float> values) const;

 private:
  std::map<std::string, checkpoint::Tensor> tensors_;
};

/// Compares what was found with the table of what a model needs, all of it in one go. Returns what is wrong,
/// one line each: what is missing (as `describe_missing` says it), not of floating point, of another shape,
/// or has no place in the table.
std::vector<std::string> compare_with_table(
    const NamedTensors& found, std::span<const TensorSpec> table,
    const std::function<std::string(const TensorSpec&)>& describe_missing);

/// Such lines as one text: the first ten, then a count.
std::string some_of(const std::vector<std::string>& lines);

}  // namespace contentvec::tensors
