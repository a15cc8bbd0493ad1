#include "checkpoint/torch_state.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

using pickle::Dict;
using pickle::Record;
using pickle::Ref;
using pickle::String;
using pickle::Values;

constexpr std::array<std::string_view, 5> kWrappers = {"model", "state_dict", "model_state_dict", "weights",
                                                       "weight"};
constexpr size_t kMostTensors = 65'536;  // references are short and tensors are not

bool holds_tensors(const Values& values, const Dict* dict) {
  return dict != nullptr && std::any_of(dict->entries.begin(), dict->entries.end(),
                                        [&](const auto& entry) { return is_tensor(values, entry.second); });
}

/// What the file holds instead of tensors, for the error.
std::string found_text(const Values& values) {
  const auto* record = values.get<Record>(values.root);
  const pickle::Global* type = record == nullptr ? nullptr : pickle::callee(values, *record);
  if (type != nullptr)
    return fmt::format("an object of the class {}", quote(fmt::format("{}.{}", type->module, type->name)));
  const auto* dict = values.get<Dict>(values.root);
  if (dict == nullptr) return "something that is no dictionary";
  constexpr size_t kShown = 8;
  std::vector<std::string> keys;
  for (const auto& [key, value] : dict->entries) {
    const auto* name = values.get<String>(key);
    if (name != nullptr && keys.size() < kShown) keys.push_back(quote(name->text));
  }
  return fmt::format("a dictionary of {} entries [{}{}]", dict->entries.size(), fmt::join(keys, ", "),
                     dict->entries.size() > keys.size() ? ", ..." : "");
}

const Dict& tensor_dict(const Values& values, const Dict* top) {
  if (top != nullptr) {
    for (const std::string_view wrapper : kWrappers) {
      const Dict* inner = pickle::as_dict(values, pickle::find(values, *top, wrapper));
      if (holds_tensors(values, inner)) return *inner;
    }
  }
  if (!holds_tensors(values, top))
    fail(
        "expected a dictionary of tensors, at the top level or under one of {}; found {}: save the model's "
        "state_dict()",
        fmt::join(kWrappers, ", "), found_text(values));
  return *top;
}

}  // namespace

void read_torch_state(const Values& values, const FindStorage& find, Checkpoint& checkpoint) {
  const Dict* top = pickle::as_dict(values, values.root);
  for (const auto& [key, value] : tensor_dict(values, top).entries) {
    const auto* text = values.get<String>(key);
    if (text == nullptr || !is_tensor(values, value)) continue;
    if (!is_utf8(text->text)) fail_damaged("the tensor name {} is not UTF-8", quote(text->text));
    if (checkpoint.tensors.size() >= kMostTensors) fail("there are more than {} tensors", kMostTensors);
    const std::string name(text->text);
    if (!checkpoint.tensors.emplace(name, tensor_of(values, value, name, find)).second)
      fail_damaged("tensor {} occurs twice", quote(name));
  }
  checkpoint.fairseq_config = pickle::to_json(values, pickle::find(values, *top, "cfg"));
  if (checkpoint.fairseq_config.is_null())
    checkpoint.fairseq_config = pickle::to_json(values, pickle::find(values, *top, "args"));
}

}  // namespace contentvec::checkpoint
