#include "checkpoint/torch_state.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "checkpoint/pickle_json.h"
#include "checkpoint/text.h"

namespace contentvec::checkpoint {
namespace {

using pickle::Dict;
using pickle::Record;
using pickle::Ref;
using pickle::String;
using pickle::Values;

constexpr size_t kMostTensors = 65'536;  // references are short and tensors are not
constexpr size_t kLongestName = 4096;    // bytes; a longer one names no tensor
constexpr size_t kDeepestState = 8;      // dictionaries around the one with the tensors
constexpr size_t kMostDicts = 10'000;    // looked at in search of it
/// In the names of every speech model read here: fairseq's, Hugging Face's, torchaudio's, soft-VC's, MLX's.
constexpr std::string_view kSpeechModel = "feature_extractor.";
/// All tensors together may be so many times as large as the file. More than once, since tied weights are one
/// storage under two names; but a few bytes must not stand for any number of tensors.
constexpr uint64_t kMostSharing = 4;

/// What trainers and converters call it, the likeliest first.
constexpr std::array<std::string_view, 5> kUsual = {"model", "state_dict", "model_state_dict", "weights",
                                                    "weight"};

struct Inner {
  const Dict* dict;
  const Dict* parent;
  size_t rank;   ///< of its name in kUsual
  size_t place;  ///< among those as far out, in the file's order
};

/// A dictionary with tensors in it, and where it lies.
struct State {
  const Dict* tensors;
  const Dict* parent;  ///< null: none
  bool usual_name;
  bool speech_model;
};

State look_at(const Values& values, const Inner& inner, bool& holds_tensors) {
  State state = {inner.dict, inner.parent, inner.rank < kUsual.size(), false};
  holds_tensors = false;
  for (const auto& [key, value] : inner.dict->entries) {
    if (!is_tensor(values, value)) continue;
    holds_tensors = true;
    const auto* name = values.get<String>(key);
    if (name != nullptr && name->text.size() <= kLongestName &&
        name->text.find(kSpeechModel) != std::string_view::npos)
      state.speech_model = true;
  }
  return state;
}

/// Every dictionary that holds tensors, the outermost first.
std::vector<State> find_states(const Values& values, const Dict& top) {
  std::vector<State> found;
  std::set<const Dict*> seen = {&top};
  std::vector<Inner> level = {{&top, nullptr, kUsual.size(), 0}};
  for (size_t depth = 0; depth <= kDeepestState && !level.empty(); ++depth) {
    std::vector<Inner> next;
    for (const Inner& around : level) {
      const Dict* dict = around.dict;
      bool holds_tensors = false;
      const State state = look_at(values, around, holds_tensors);
      if (holds_tensors) found.push_back(state);
      for (const auto& [key, value] : dict->entries) {
        const Dict* inner = is_tensor(values, value) ? nullptr : pickle::as_dict(values, value);
        if (inner == nullptr || seen.size() >= kMostDicts || !seen.insert(inner).second) continue;
        const auto* name = values.get<String>(key);
        const auto place =
            name == nullptr ? kUsual.end() : std::find(kUsual.begin(), kUsual.end(), name->text);
        next.push_back({inner, dict, static_cast<size_t>(place - kUsual.begin()), next.size()});
      }
    }
    std::sort(next.begin(), next.end(), [](const Inner& a, const Inner& b) {
      return std::pair(a.rank, a.place) < std::pair(b.rank, b.place);
    });
    level = std::move(next);
  }
  return found;
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

/// The state dict to read: the outermost that holds a speech model, else the outermost with a usual name,
/// else the outermost. find_states() has the order.
State choose_state(const Values& values, const Dict* top) {
  const std::vector<State> states = top == nullptr ? std::vector<State>() : find_states(values, *top);
  if (states.empty())
    fail(
        "expected a dictionary of tensors, at the top level or inside other dictionaries; found {}: save the "
        "model's state_dict()",
        found_text(values));
  for (const auto mark : {&State::speech_model, &State::usual_name}) {
    const auto found = std::find_if(states.begin(), states.end(), [mark](const State& s) { return s.*mark; });
    if (found != states.end()) return *found;
  }
  return states.front();
}

/// fairseq's configuration, wherever it stands: at the top or beside the tensors; s3prl keeps its two halves.
nlohmann::json fairseq_config(const Values& values, const Dict& top, const State& state) {
  for (const Dict* dict : {&top, state.parent}) {
    if (dict == nullptr) continue;
    for (const std::string_view key : {"cfg", "args"}) {
      nlohmann::json config = pickle::to_json(values, pickle::find(values, *dict, key));
      if (!config.is_null()) return config;
    }
    const Ref model = pickle::find(values, *dict, "model_cfg");
    if (model == pickle::kNone) continue;
    return {{"model", pickle::to_json(values, model)},
            {"task", pickle::to_json(values, pickle::find(values, *dict, "task_cfg"))}};
  }
  return nullptr;
}

/// A storage of several tensors, which is read once for all of them and kept as long as they are: read anew
/// for each, it would take any number of times as long as the file.
class SharedStorage final : public Storage {
 public:
  explicit SharedStorage(std::shared_ptr<const Storage> stored) : stored_(std::move(stored)) {}
  [[nodiscard]] size_t size() const override { return stored_->size(); }
  [[nodiscard]] const std::string& source() const override { return stored_->source(); }
  [[nodiscard]] std::shared_ptr<const std::byte[]> read() const override {
    const std::lock_guard lock(mutex_);
    if (!content_) content_ = stored_->read();
    return content_;
  }

 private:
  std::shared_ptr<const Storage> stored_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const std::byte[]> content_;
};

void keep_shared_storages(std::map<std::string, Tensor>& tensors) {
  std::map<std::shared_ptr<const Storage>, std::vector<Tensor*>> users;
  for (auto& [name, tensor] : tensors)
    if (tensor.storage != nullptr) users[tensor.storage].push_back(&tensor);
  for (const auto& [storage, sharers] : users) {
    if (sharers.size() == 1) continue;
    const auto shared = std::make_shared<const SharedStorage>(storage);
    for (Tensor* tensor : sharers) tensor->storage = shared;
  }
}

/// What the tensors stand for, compared with what the file holds.
class Sharing {
 public:
  explicit Sharing(uint64_t file_bytes) : most_(kMostSharing * file_bytes), file_bytes_(file_bytes) {}

  void add(const Tensor& tensor) {
    elements_ += static_cast<uint64_t>(tensor.count()) * element_size(tensor.dtype);
    // Storages overlap where zip entries or views of storages do.
    if (tensor.storage != nullptr && seen_.insert(tensor.storage.get()).second)
      storages_ += tensor.storage->size();
    if (elements_ > most_ || storages_ > most_)
      fail(
          "its tensors share their storages: together they would take more than {} times the file's {} "
          "bytes; save the checkpoint again after clone() on each",
          kMostSharing, file_bytes_);
  }

 private:
  uint64_t most_, file_bytes_;
  uint64_t elements_ = 0, storages_ = 0;
  std::set<const Storage*> seen_;
};

}  // namespace

void read_torch_state(const Values& values, uint64_t file_bytes, const FindStorage& find,
                      Checkpoint& checkpoint) {
  const Dict* top = pickle::as_dict(values, values.root);
  const State state = choose_state(values, top);
  Sharing sharing(file_bytes);
  for (const auto& [key, value] : state.tensors->entries) {
    const auto* text = values.get<String>(key);
    if (text == nullptr || !is_tensor(values, value)) continue;
    if (!is_utf8(text->text)) fail_damaged("the tensor name {} is not UTF-8", quote(text->text));
    if (checkpoint.tensors.size() >= kMostTensors) fail("there are more than {} tensors", kMostTensors);
    const std::string name(text->text);
    const auto [place, added] = checkpoint.tensors.emplace(name, tensor_of(values, value, name, find));
    if (!added) fail_damaged("tensor {} occurs twice", quote(name));
    sharing.add(place->second);
  }
  keep_shared_storages(checkpoint.tensors);
  checkpoint.fairseq_config = fairseq_config(values, *top, state);
}

}  // namespace contentvec::checkpoint
