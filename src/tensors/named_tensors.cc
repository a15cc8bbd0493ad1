#include "tensors/named_tensors.h"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/fail.h"
#include "runtime/finite.h"

namespace contentvec::tensors {
namespace {

void check_finite(const checkpoint::Tensor& tensor, std::span<const float> values) {
  const auto place = first_non_finite(values);
  if (!place) return;
  const bool is_wide = tensor.type == checkpoint::ElementType::kF64;
  fail("{}: weight {} holds {} at element {}{}; the checkpoint is damaged or its training diverged",
       tensor.storage->source(), tensor.name, values[*place], *place,
       is_wide ? ", where float64 numbers beyond 3.4e38 come out too" : "");
}

/// What is wrong with a tensor that is to be of this shape; empty: nothing.
std::string complaint_about(const checkpoint::Tensor& tensor, const std::vector<int64_t>& shape) {
  if (!checkpoint::is_floating(tensor.type)) {
    return fmt::format("{} is {}, expected float32, float16, bfloat16 or float64", tensor.name,
                       checkpoint::type_name(tensor.type));
  }
  if (tensor.shape == shape) return "";
  return fmt::format("{} has shape {}, expected {}", tensor.name, checkpoint::shape_text(tensor.shape),
                     checkpoint::shape_text(shape));
}

}  // namespace

NamedTensors::NamedTensors(std::map<std::string, checkpoint::Tensor> tensors)
    : tensors_(std::move(tensors)) {}

const checkpoint::Tensor* NamedTensors::add(const std::string& name, checkpoint::Tensor tensor) {
  const auto [place, is_new] = tensors_.try_emplace(name, std::move(tensor));
  return is_new ? nullptr : &place->second;
}

std::vector<int64_t> NamedTensors::shape(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? std::vector<int64_t>() : found->second.shape;
}

int64_t NamedTensors::parameters() const {
  int64_t sum = 0;
  for (const auto& [name, tensor] : tensors_) sum += tensor.count();
  return sum;
}

void NamedTensors::read_into(const std::string& name, std::span<float> values) const {
  const checkpoint::Tensor& tensor = tensors_.at(name);
  tensor.copy_to(values);
  check_finite(tensor, values);
}

std::vector<float> NamedTensors::read(const std::string& name) const {
  std::vector<float> values(static_cast<size_t>(tensors_.at(name).count()));
  read_into(name, values);
  return values;
}

std::vector<std::string> compare_with_table(
    const NamedTensors& found, std::span<const TensorSpec> table,
    const std::function<std::string(const TensorSpec&)>& describe_missing) {
  std::vector<std::string> wrong;
  std::set<std::string> expected;
  for (const TensorSpec& spec : table) {
    expected.insert(spec.name);
    const auto entry = found.all().find(spec.name);
    const std::string complaint =
        entry == found.all().end() ? describe_missing(spec) : complaint_about(entry->second, spec.shape);
    // Several may be one tensor in the file.
    if (!complaint.empty() && std::find(wrong.begin(), wrong.end(), complaint) == wrong.end())
      wrong.push_back(complaint);
  }
  for (const auto& [name, tensor] : found.all()) {
    if (!expected.contains(name))
      wrong.push_back(fmt::format("{} has no place in this architecture", tensor.name));
  }
  return wrong;
}

std::string some_of(const std::vector<std::string>& lines) {
  constexpr size_t kShown = 10;
  std::string text;
  for (size_t i = 0; i < std::min(lines.size(), kShown); ++i) text += "\n  " + lines[i];
  if (lines.size() > kShown) text += fmt::format("\n  and {} more", lines.size() - kShown);
  return text;
}

}  // namespace contentvec::tensors
